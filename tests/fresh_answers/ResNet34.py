### RIGHT stem, groups and last layers as Sequentials
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, first_stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        return self.head(self.groups(self.stem(x)))


### RIGHT torchvision-like attributes, F.relu, shifted features
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.maxpool = MaxPool2d(3, 2, 1)
        in_feats = [64, *out_features_per_group[:-1]]
        self.layers = nn.ModuleList(
            BlockGroup(*args)
            for args in zip(n_blocks_per_group, in_feats, out_features_per_group, first_strides_per_group, strict=True)
        )
        self.avgpool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for layer in self.layers:
            x = layer(x)
        return self.fc(self.avgpool(x))


### WRONG the max pooling of the stem is missing
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, first_stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG no ReLU in the stem; the max pooling has no padding
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.bn1 = BatchNorm2d(64)
        in_features_per_group = (64, *out_features_per_group[:-1])
        groups = []
        for n, i, o, s in zip(n_blocks_per_group, in_features_per_group, out_features_per_group, first_strides_per_group):
            groups.append(BlockGroup(n, i, o, s))
        self.groups = Sequential(*groups)
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.bn1(self.conv1(x))
        x = F.max_pool2d(x, kernel_size=3, stride=2)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG a softmax at the end, so the outputs are probabilities and not logits
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = (64, *out_features_per_group[:-1])
        groups = []
        for n, i, o, s in zip(n_blocks_per_group, in_features_per_group, out_features_per_group, first_strides_per_group):
            groups.append(BlockGroup(n, i, o, s))
        self.groups = Sequential(*groups)
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        x = self.fc(x)
        return F.softmax(x, dim=1)


### WRONG the groups are in a plain list, so they are not registered
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )

        self.groups = []
        in_feats = 64
        for n_blocks, out_feats, stride in zip(n_blocks_per_group, out_features_per_group, first_strides_per_group):
            self.groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        for group in self.groups:
            x = group(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG the Linear always takes 512 features, whatever the last group gives
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, first_stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)

        self.avgpool = AveragePool()
        self.fc = Linear(512, n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.avgpool(x)
        x = self.fc(x)
        return x


### WRONG always four groups with the features of ResNet34 written in, out_features_per_group is ignored; the strides are written in too, first_strides_per_group is ignored
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = BlockGroup(n_blocks_per_group[0], 64, 64, 1)
        self.layer2 = BlockGroup(n_blocks_per_group[1], 64, 128, 2)
        self.layer3 = BlockGroup(n_blocks_per_group[2], 128, 256, 2)
        self.layer4 = BlockGroup(n_blocks_per_group[3], 256, 512, 2)
        self.avgpool = AveragePool()
        self.fc = Linear(512, n_classes)

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = self.avgpool(x)
        return self.fc(x)


### WRONG n_classes is ignored, the Linear always gives 1000
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = (64, *out_features_per_group[:-1])
        groups = []
        for n, i, o, s in zip(n_blocks_per_group, in_features_per_group, out_features_per_group, first_strides_per_group):
            groups.append(BlockGroup(n, i, o, s))
        self.groups = Sequential(*groups)

        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], 1000)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG [64] + a tuple: TypeError with the default arguments
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )

        in_features_per_group = [64] + out_features_per_group[:-1]
        self.groups = Sequential(
            *[
                BlockGroup(n_blocks, in_feats, out_feats, stride)
                for n_blocks, in_feats, out_feats, stride in zip(
                    n_blocks_per_group, in_features_per_group, out_features_per_group, first_strides_per_group
                )
            ]
        )
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG the Linear is declared before the groups, so the parameters are in another order
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, first_stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG the arguments of BlockGroup are in the wrong order: in_feats, out_feats, n_blocks, first_stride
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(in_feats, out_feats, n_blocks, first_stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG in_feats stays 64 for all groups
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, first_stride))
        self.groups = Sequential(*groups)
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)


### WRONG torch's own convolution in the stem, with its default bias; it has no padding
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group = (3, 4, 6, 3),
        out_features_per_group = (64, 128, 256, 512),
        first_strides_per_group = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            nn.Conv2d(3, 64, kernel_size=7, stride=2),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, first_stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, first_stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.pool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        x = self.pool(x)
        return self.fc(x)
