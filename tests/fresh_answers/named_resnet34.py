### RIGHT a function for the layers
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, 3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        if first_stride == 1 and in_feats == out_feats:
            self.downsample = None
        else:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    for _ in range(n_blocks - 1):
        blocks.append(NamedResidualBlock(out_feats, out_feats))
    return Sequential(*blocks)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### RIGHT a loop, the block after torchvision
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out = out + identity
        out = self.relu(out)

        return out


def named_resnet34() -> NamedSequential:
    layers = OrderedDict()
    layers["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    layers["bn1"] = BatchNorm2d(64)
    layers["relu"] = ReLU()
    layers["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    for i, (n, out_feats, stride) in enumerate(
        zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2)), start=1
    ):
        blocks = []
        for b in range(n):
            blocks.append(NamedResidualBlock(in_feats, out_feats, stride if b == 0 else 1))
            in_feats = out_feats
        layers[f"layer{i}"] = Sequential(*blocks)
    layers["avgpool"] = AveragePool()
    layers["fc"] = Linear(512, 1000)
    return NamedSequential(layers)

### WRONG each layer is a module that holds its blocks in self.blocks, so the names are layer1.blocks.0.conv1.weight -> named; BlockGroup instead of Sequential
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, 3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        if first_stride == 1 and in_feats == out_feats:
            self.downsample = None
        else:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


class Layer(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            NamedResidualBlock(in_feats, out_feats, first_stride),
            *[NamedResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)],
        )

    def forward(self, x):
        return self.blocks(x)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=Layer(3, 64, 64, 1),
            layer2=Layer(4, 64, 128, 2),
            layer3=Layer(6, 128, 256, 2),
            layer4=Layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG the last layer is called "linear" and not "fc" -> named; fc under another name
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out = out + identity
        out = self.relu(out)

        return out


def named_resnet34() -> NamedSequential:
    layers = OrderedDict()
    layers["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    layers["bn1"] = BatchNorm2d(64)
    layers["relu"] = ReLU()
    layers["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    for i, (n, out_feats, stride) in enumerate(
        zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2)), start=1
    ):
        blocks = []
        for b in range(n):
            blocks.append(NamedResidualBlock(in_feats, out_feats, stride if b == 0 else 1))
            in_feats = out_feats
        layers[f"layer{i}"] = Sequential(*blocks)
    layers["avgpool"] = AveragePool()
    layers["linear"] = Linear(512, 1000)
    return NamedSequential(layers)

### WRONG the ReLU after the addition is missing in the block -> named; last ReLU of the blocks missing
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out = out + identity
        return out


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    for _ in range(n_blocks - 1):
        blocks.append(NamedResidualBlock(out_feats, out_feats))
    return Sequential(*blocks)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG the stride is on the block's second convolution and not on its first -> named; stride on the second convolution
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=1, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, 3, stride=first_stride, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        if first_stride == 1 and in_feats == out_feats:
            self.downsample = None
        else:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


def named_resnet34() -> NamedSequential:
    layers = OrderedDict()
    layers["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    layers["bn1"] = BatchNorm2d(64)
    layers["relu"] = ReLU()
    layers["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    for i, (n, out_feats, stride) in enumerate(
        zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2)), start=1
    ):
        blocks = []
        for b in range(n):
            blocks.append(NamedResidualBlock(in_feats, out_feats, stride if b == 0 else 1))
            in_feats = out_feats
        layers[f"layer{i}"] = Sequential(*blocks)
    layers["avgpool"] = AveragePool()
    layers["fc"] = Linear(512, 1000)
    return NamedSequential(layers)

### WRONG the max pooling has no padding -> named; hint
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out = out + identity
        out = self.relu(out)

        return out


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    for _ in range(n_blocks - 1):
        blocks.append(NamedResidualBlock(out_feats, out_feats))
    return Sequential(*blocks)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG downsample's parts have the names conv and bn, not 0 and 1 -> named; downsample with names
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, 3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        if first_stride == 1 and in_feats == out_feats:
            self.downsample = None
        else:
            self.downsample = NamedSequential(
                OrderedDict(
                    conv=Conv2d(in_feats, out_feats, 1, stride=first_stride),
                    bn=BatchNorm2d(out_feats),
                )
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    for _ in range(n_blocks - 1):
        blocks.append(NamedResidualBlock(out_feats, out_feats))
    return Sequential(*blocks)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG all blocks of a layer after the first are the same object, so they share their weights -> named; the same block repeated
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out = out + identity
        out = self.relu(out)

        return out


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    first = NamedResidualBlock(in_feats, out_feats, first_stride)
    rest = [NamedResidualBlock(out_feats, out_feats)] * (n_blocks - 1)
    return Sequential(first, *rest)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG nn.AdaptiveAvgPool2d and no flatten, so Linear gets (batch, 512, 1, 1) and the network raises when it runs -> named; axes kept by avgpool
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x

        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            identity = self.downsample(x)

        out = out + identity
        out = self.relu(out)

        return out


def named_resnet34() -> NamedSequential:
    layers = OrderedDict()
    layers["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    layers["bn1"] = BatchNorm2d(64)
    layers["relu"] = ReLU()
    layers["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    for i, (n, out_feats, stride) in enumerate(
        zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2)), start=1
    ):
        blocks = []
        for b in range(n):
            blocks.append(NamedResidualBlock(in_feats, out_feats, stride if b == 0 else 1))
            in_feats = out_feats
        layers[f"layer{i}"] = Sequential(*blocks)
    layers["avgpool"] = nn.AdaptiveAvgPool2d((1, 1))
    layers["fc"] = Linear(512, 1000)
    return NamedSequential(layers)

### WRONG forward uses bn1 again after the second convolution, and bn2 never -> named; remark
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, 3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        if first_stride == 1 and in_feats == out_feats:
            self.downsample = None
        else:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn1(self.conv2(out))
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    for _ in range(n_blocks - 1):
        blocks.append(NamedResidualBlock(out_feats, out_feats))
    return Sequential(*blocks)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG layer2 to layer4 have stride 1 in place of 2; the block's second ReLU comes before the addition and not after it -> named; hint
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            items = modules[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(modules))
        for name, module in items:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, 3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        if first_stride == 1 and in_feats == out_feats:
            self.downsample = None
        else:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out) + identity


def make_layer(n_blocks, in_feats, out_feats, first_stride=1):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    for _ in range(n_blocks - 1):
        blocks.append(NamedResidualBlock(out_feats, out_feats))
    return Sequential(*blocks)


def named_resnet34() -> NamedSequential:
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            layer1=make_layer(3, 64, 64),
            layer2=make_layer(4, 64, 128),
            layer3=make_layer(6, 128, 256),
            layer4=make_layer(3, 256, 512),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )
