### RIGHT two Sequentials and Identity
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### RIGHT None for the identity and F.relu
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.main = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        self.shortcut = None
        if first_stride != 1 or in_feats != out_feats:
            self.shortcut = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride, 0), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        skip = x if self.shortcut is None else self.shortcut(x)
        return F.relu(self.main(x) + skip)


### WRONG both convolutions of the left branch have first_stride -> named; stride on both 3x3 convolutions
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### WRONG padding=1 forgotten in the second 3x3 convolution -> named; padding missing on the second convolution
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.relu = ReLU()

    def forward(self, x):
        left = self.left(x)
        right = self.right(x)
        return self.relu(left + right)


### WRONG identity if the stride is 1 OR the channels agree (it should be and), so blocks that change only one of them fail -> named; identity unless stride and features both change
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride != 1 and in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        else:
            self.right = nn.Identity()
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### WRONG no ReLU after the addition -> named; final ReLU missing
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride, 0), BatchNorm2d(out_feats)
            )

    def forward(self, x):
        return self.left(x) + self.right(x)


### WRONG the last ReLU is applied to the left branch before the addition, not to the sum -> named; final ReLU before the addition
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride, padding=0),
                BatchNorm2d(out_feats),
            )

    def forward(self, x):
        return self.left(x) + self.right(x)


### WRONG the right branch is declared before the left one -> named; right branch declared before left
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.shortcut = nn.Identity()
        if first_stride != 1 or in_feats != out_feats:
            self.shortcut = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.layers = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
            BatchNorm2d(out_feats),
        )
        self.relu = ReLU()

    def forward(self, x):
        identity = self.shortcut(x)
        return self.relu(self.layers(x) + identity)


### WRONG no batchnorm on the right branch; no ReLU between the two convolutions of the left branch -> named; batchnorm missing in the right branch, middle ReLU missing
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.conv1 = Conv2d(in_feats, out_feats, 3, first_stride, 1)
        self.bn1 = BatchNorm2d(out_feats)
        self.conv2 = Conv2d(out_feats, out_feats, 3, 1, 1)
        self.bn2 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Conv2d(in_feats, out_feats, 1, first_stride)

    def forward(self, x):
        out = self.bn1(self.conv1(x))
        out = self.bn2(self.conv2(out))
        return self.relu(out + self.right(x))


### WRONG passes bias=False, as torchvision does, to the course's Conv2d, which takes no such argument: TypeError -> named; remark
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1, bias=False),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1, bias=False),
            BatchNorm2d(out_feats),
        )
        if first_stride != 1 or in_feats != out_feats:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride, bias=False),
                BatchNorm2d(out_feats),
            )
        else:
            self.right = nn.Identity()
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### WRONG the right branch always has the 1x1 convolution and batchnorm, also where it should be the identity -> named; projection everywhere
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, stride=1, padding=1),
            BatchNorm2d(out_feats),
        )
        self.right = Sequential(
            Conv2d(in_feats, out_feats, 1, stride=first_stride),
            BatchNorm2d(out_feats),
        )
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### WRONG one and the same batchnorm is used after both convolutions of the left branch -> named; the same batchnorm object twice
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        bn = BatchNorm2d(out_feats)
        relu = ReLU()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            bn,
            relu,
            Conv2d(out_feats, out_feats, 3, 1, 1),
            bn,
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        self.relu = relu

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### WRONG torch's nn.Conv2d with its default bias=True, so all convolutions have a bias -> named; convolutions with bias
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            nn.ReLU(),
            nn.Conv2d(out_feats, out_feats, kernel_size=3, stride=1, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = nn.Sequential(
                nn.Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))


### WRONG the identity depends on the stride only, so a block of stride 1 that changes the channels cannot add -> named; identity where only the features differ
class ResidualBlock(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.left = Sequential(
            Conv2d(in_feats, out_feats, 3, first_stride, 1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, 3, 1, 1),
            BatchNorm2d(out_feats),
        )
        if first_stride > 1:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, 1, first_stride), BatchNorm2d(out_feats)
            )
        else:
            self.right = nn.Identity()
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(self.left(x) + self.right(x))
