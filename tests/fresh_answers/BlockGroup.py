### RIGHT first block and a comprehension in a Sequential
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)],
        )

    def forward(self, x):
        return self.blocks(x)


### RIGHT ModuleList filled in a loop, looped over in forward
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(n_blocks):
            if i == 0:
                self.blocks.append(ResidualBlock(in_feats, out_feats, first_stride=first_stride))
            else:
                self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


### WRONG every block has first_stride, not only the first
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(n_blocks - 1):
            blocks.append(ResidualBlock(out_feats, out_feats, first_stride))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


### WRONG one block too many; first_stride is not handed on
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats)]
        for _ in range(n_blocks):
            blocks.append(ResidualBlock(out_feats, out_feats))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


### WRONG the blocks are in a plain list, so they are not registered
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = []
        self.blocks.append(ResidualBlock(in_feats, out_feats, first_stride))
        for i in range(1, n_blocks):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


### WRONG all blocks but the first are one and the same object
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        first = ResidualBlock(in_feats, out_feats, first_stride)
        rest = [ResidualBlock(out_feats, out_feats)] * (n_blocks - 1)
        self.blocks = Sequential(first, *rest)

    def forward(self, x):
        return self.blocks(x)


### WRONG the list is handed to Sequential without a star
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        blocks += [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.blocks = Sequential(blocks)

    def forward(self, x):
        return self.blocks(x)


### WRONG every block takes in in_feats, where all after the first should take in out_feats
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = []
        for i in range(n_blocks):
            stride = first_stride if i == 0 else 1
            blocks.append(ResidualBlock(in_feats, out_feats, stride))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


### WRONG each block gets the group's input instead of the output of the block before
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList(
            [ResidualBlock(in_feats, out_feats, first_stride)]
            + [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        )

    def forward(self, x):
        for block in self.blocks:
            out = block(x)
        return out


### WRONG calls the ModuleList, which has no forward
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList([ResidualBlock(in_feats, out_feats, first_stride)])
        for _ in range(n_blocks - 1):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        return self.blocks(x)


### WRONG one block too few (range(1, n_blocks - 1)); all blocks have first_stride
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        layers = []
        layers.append(ResidualBlock(in_feats, out_feats, first_stride))
        for _ in range(1, n_blocks - 1):
            layers.append(ResidualBlock(out_feats, out_feats, first_stride))
        self.layers = Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


### WRONG the arguments of __init__ are in another order: n_blocks after the features
class BlockGroup(nn.Module):
    def __init__(self, in_feats: int, out_feats: int, n_blocks: int, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)],
        )

    def forward(self, x):
        return self.blocks(x)
