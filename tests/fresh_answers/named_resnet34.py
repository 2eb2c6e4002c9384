### RIGHT a loop into an OrderedDict
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def named_resnet34() -> NamedSequential:
    modules = OrderedDict()
    modules["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    modules["bn1"] = BatchNorm2d(64)
    modules["relu"] = ReLU()
    modules["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    sizes = zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2))
    for i, (n_blocks, out_feats, stride) in enumerate(sizes, start=1):
        blocks = [NamedResidualBlock(in_feats, out_feats, stride)]
        for _ in range(n_blocks - 1):
            blocks.append(NamedResidualBlock(out_feats, out_feats))
        modules[f"layer{i}"] = Sequential(*blocks)
        in_feats = out_feats
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)

### RIGHT make_layer and everything spelled out
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    blocks += [NamedResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
    return Sequential(*blocks)


def named_resnet34():
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, 2, 1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG each layer is a module of its own with the blocks in self.blocks, so the names are layer1.blocks.0.conv1.weight
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


class NamedBlockGroup(nn.Module):
    def __init__(self, n_blocks, in_feats, out_feats, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            NamedResidualBlock(in_feats, out_feats, first_stride),
            *[NamedResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)],
        )

    def forward(self, x):
        return self.blocks(x)


def named_resnet34():
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, 2, 1),
            layer1=NamedBlockGroup(3, 64, 64, 1),
            layer2=NamedBlockGroup(4, 64, 128, 2),
            layer3=NamedBlockGroup(6, 128, 256, 2),
            layer4=NamedBlockGroup(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG the later blocks of a layer are also made with in_feats as input channels: extra downsamples, wrong shapes, and forward raises
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = []
    for i in range(n_blocks):
        stride = first_stride if i == 0 else 1
        blocks.append(NamedResidualBlock(in_feats, out_feats, stride))
    return Sequential(*blocks)


def named_resnet34():
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, 2, 1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG every block of a layer gets the stride, not only the first: extra downsamples and too small feature maps
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def named_resnet34() -> NamedSequential:
    modules = OrderedDict()
    modules["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    modules["bn1"] = BatchNorm2d(64)
    modules["relu"] = ReLU()
    modules["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    sizes = zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2))
    for i, (n_blocks, out_feats, stride) in enumerate(sizes, start=1):
        blocks = [NamedResidualBlock(in_feats, out_feats, stride)]
        for _ in range(n_blocks - 1):
            blocks.append(NamedResidualBlock(out_feats, out_feats, stride))
        modules[f"layer{i}"] = Sequential(*blocks)
        in_feats = out_feats
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)

### WRONG list multiplication: all later blocks of a layer are one and the same module, with shared weights
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    blocks += [NamedResidualBlock(out_feats, out_feats)] * (n_blocks - 1)
    return Sequential(*blocks)


def named_resnet34():
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, 2, 1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG no ReLU after the addition in the block
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return out


def named_resnet34() -> NamedSequential:
    modules = OrderedDict()
    modules["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    modules["bn1"] = BatchNorm2d(64)
    modules["relu"] = ReLU()
    modules["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    sizes = zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2))
    for i, (n_blocks, out_feats, stride) in enumerate(sizes, start=1):
        blocks = [NamedResidualBlock(in_feats, out_feats, stride)]
        for _ in range(n_blocks - 1):
            blocks.append(NamedResidualBlock(out_feats, out_feats))
        modules[f"layer{i}"] = Sequential(*blocks)
        in_feats = out_feats
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)

### WRONG x is overwritten before it is kept, so the way around starts from the left branch's output (and raises where there is a downsample)
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.conv2(x)
        x = self.bn2(x)
        identity = x
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(x + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    blocks += [NamedResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
    return Sequential(*blocks)


def named_resnet34():
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, 7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(3, 2, 1),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG downsample has no batchnorm; it is a bare convolution and not a Sequential, so the name is downsample.weight instead of downsample.0.weight
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride)

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def named_resnet34() -> NamedSequential:
    modules = OrderedDict()
    modules["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    modules["bn1"] = BatchNorm2d(64)
    modules["relu"] = ReLU()
    modules["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    sizes = zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2))
    for i, (n_blocks, out_feats, stride) in enumerate(sizes, start=1):
        blocks = [NamedResidualBlock(in_feats, out_feats, stride)]
        for _ in range(n_blocks - 1):
            blocks.append(NamedResidualBlock(out_feats, out_feats))
        modules[f"layer{i}"] = Sequential(*blocks)
        in_feats = out_feats
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)

### WRONG enumerate starts at 0: layer0 to layer3 instead of layer1 to layer4
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def named_resnet34() -> NamedSequential:
    modules = OrderedDict()
    modules["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    modules["bn1"] = BatchNorm2d(64)
    modules["relu"] = ReLU()
    modules["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    sizes = zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2))
    for i, (n_blocks, out_feats, stride) in enumerate(sizes):
        blocks = [NamedResidualBlock(in_feats, out_feats, stride)]
        for _ in range(n_blocks - 1):
            blocks.append(NamedResidualBlock(out_feats, out_feats))
        modules[f"layer{i}"] = Sequential(*blocks)
        in_feats = out_feats
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)

### WRONG padding of the first convolution forgotten; padding of the max pooling forgotten (0)
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def make_layer(n_blocks, in_feats, out_feats, first_stride):
    blocks = [NamedResidualBlock(in_feats, out_feats, first_stride)]
    blocks += [NamedResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
    return Sequential(*blocks)


def named_resnet34():
    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, kernel_size=7, stride=2),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(kernel_size=3, stride=2, padding=0),
            layer1=make_layer(3, 64, 64, 1),
            layer2=make_layer(4, 64, 128, 2),
            layer3=make_layer(6, 128, 256, 2),
            layer4=make_layer(3, 256, 512, 2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )

### WRONG downsample is a NamedSequential with the names conv and bn, instead of a plain Sequential with 0 and 1
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = [(str(i), module) for i, module in enumerate(modules)]
        for name, module in named:
            self.add_module(name, module)


class NamedResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = NamedSequential(
                OrderedDict(
                    conv=Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                    bn=BatchNorm2d(out_feats),
                )
            )

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        return self.relu(out + identity)


def named_resnet34() -> NamedSequential:
    modules = OrderedDict()
    modules["conv1"] = Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
    modules["bn1"] = BatchNorm2d(64)
    modules["relu"] = ReLU()
    modules["maxpool"] = MaxPool2d(kernel_size=3, stride=2, padding=1)
    in_feats = 64
    sizes = zip((3, 4, 6, 3), (64, 128, 256, 512), (1, 2, 2, 2))
    for i, (n_blocks, out_feats, stride) in enumerate(sizes, start=1):
        blocks = [NamedResidualBlock(in_feats, out_feats, stride)]
        for _ in range(n_blocks - 1):
            blocks.append(NamedResidualBlock(out_feats, out_feats))
        modules[f"layer{i}"] = Sequential(*blocks)
        in_feats = out_feats
    modules["avgpool"] = AveragePool()
    modules["fc"] = Linear(512, 1000)
    return NamedSequential(modules)
