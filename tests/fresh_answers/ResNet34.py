### RIGHT three Sequentials
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
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
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### RIGHT attributes as in torchvision, zip with four sequences
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, 2, 1)
        in_features = (64, *out_features_per_group[:-1])
        self.layers = Sequential(
            *[
                BlockGroup(n, i, o, s)
                for n, i, o, s in zip(
                    n_blocks_per_group, in_features, out_features_per_group, first_strides_per_group
                )
            ]
        )
        self.avgpool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layers(x)
        x = self.avgpool(x)
        return self.fc(x)


### WRONG softmax at the end: probabilities come out instead of logits -> named; softmax at the end
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, 2, 1)
        in_features = (64, *out_features_per_group[:-1])
        self.layers = Sequential(
            *[
                BlockGroup(n, i, o, s)
                for n, i, o, s in zip(
                    n_blocks_per_group, in_features, out_features_per_group, first_strides_per_group
                )
            ]
        )
        self.avgpool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layers(x)
        x = self.avgpool(x)
        x = self.fc(x)
        return F.softmax(x, dim=1)


### WRONG padding of the max pooling forgotten -> named; maxpool padding left out
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=0),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG joins a list and a (tuple) slice with +: TypeError with the default tuples -> named; list and tuple added
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        in_features_per_group = [64] + out_features_per_group[:-1]
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.groups = Sequential(
            *[
                BlockGroup(*args)
                for args in zip(
                    n_blocks_per_group,
                    in_features_per_group,
                    out_features_per_group,
                    first_strides_per_group,
                )
            ]
        )
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG the Linear layer always takes 512 features, whatever out_features_per_group says -> named; 512 features hard-coded
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
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
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(512, n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG the groups are kept in a plain list, where nn.Module does not see them -> named; groups in a plain list
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, 2, 1)

        self.groups = []
        in_feats = 64
        for i in range(len(n_blocks_per_group)):
            self.groups.append(
                BlockGroup(
                    n_blocks_per_group[i],
                    in_feats,
                    out_features_per_group[i],
                    first_strides_per_group[i],
                )
            )
            in_feats = out_features_per_group[i]
        self.avgpool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        for group in self.groups:
            x = group(x)
        x = self.avgpool(x)
        return self.fc(x)


### WRONG in_feats stays 64 for every group -> named; in_feats 64 for every group
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
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
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG the arguments of BlockGroup are in another order: in_feats and out_feats before n_blocks -> named; in, out, n
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, 2, 1)
        in_features = (64, *out_features_per_group[:-1])
        self.layers = Sequential(
            *[
                BlockGroup(i, o, n, s)
                for n, i, o, s in zip(
                    n_blocks_per_group, in_features, out_features_per_group, first_strides_per_group
                )
            ]
        )
        self.avgpool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layers(x)
        x = self.avgpool(x)
        return self.fc(x)


### WRONG the first strides are not passed on, so every group has stride 1 -> named; strides left out
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
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
        for n_blocks, out_feats in zip(n_blocks_per_group, out_features_per_group):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG no ReLU in the stem -> named; stem ReLU missing
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(64),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG the last Linear layer is declared before the groups, so the parameters are in another order than torchvision's -> named; remark
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.conv1 = Conv2d(3, 64, 7, 2, 3)
        self.bn1 = BatchNorm2d(64)
        self.relu = ReLU()
        self.maxpool = MaxPool2d(3, 2, 1)
        self.avgpool = AveragePool()
        self.fc = Linear(out_features_per_group[-1], n_classes)
        in_features = (64, *out_features_per_group[:-1])
        self.layers = Sequential(
            *[
                BlockGroup(n, i, o, s)
                for n, i, o, s in zip(
                    n_blocks_per_group, in_features, out_features_per_group, first_strides_per_group
                )
            ]
        )

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layers(x)
        x = self.avgpool(x)
        return self.fc(x)


### WRONG no max pooling in the stem -> named; maxpool missing
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
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
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)


### WRONG n_classes is ignored, there are always 1000 outputs; padding of the 7x7 convolution forgotten -> named; n_classes ignored, stem padding missing
class ResNet34(nn.Module):
    def __init__(
        self,
        n_blocks_per_group=(3, 4, 6, 3),
        out_features_per_group=(64, 128, 256, 512),
        first_strides_per_group=(1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        self.stem = Sequential(
            Conv2d(3, 64, kernel_size=7, stride=2),
            BatchNorm2d(64),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        groups = []
        in_feats = 64
        for n_blocks, out_feats, stride in zip(
            n_blocks_per_group, out_features_per_group, first_strides_per_group
        ):
            groups.append(BlockGroup(n_blocks, in_feats, out_feats, stride))
            in_feats = out_feats
        self.groups = Sequential(*groups)
        self.head = Sequential(AveragePool(), Linear(out_features_per_group[-1], 1000))

    def forward(self, x):
        x = self.stem(x)
        x = self.groups(x)
        return self.head(x)
