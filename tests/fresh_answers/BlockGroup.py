### RIGHT Sequential of a starred list
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        blocks += [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


### RIGHT ModuleList and a loop
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList()
        for i in range(n_blocks):
            if i == 0:
                self.blocks.append(ResidualBlock(in_feats, out_feats, first_stride))
            else:
                self.blocks.append(ResidualBlock(out_feats, out_feats, 1))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


### WRONG every block has first_stride, not only the first -> named; stride on every block
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = []
        for i in range(n_blocks):
            blocks.append(ResidualBlock(in_feats, out_feats, first_stride))
            in_feats = out_feats
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)


### WRONG the blocks are kept in a plain list, where nn.Module does not see them -> named; blocks in a plain list
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(n_blocks - 1):
            self.blocks.append(ResidualBlock(out_feats, out_feats))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


### WRONG one block too many: n_blocks after the first -> named; one block too many
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks)],
        )

    def forward(self, x):
        return self.blocks(x)


### WRONG the later blocks are one and the same object, so they share their weights -> named; the same block repeated
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        first = ResidualBlock(in_feats, out_feats, first_stride)
        rest = [ResidualBlock(out_feats, out_feats)] * (n_blocks - 1)
        self.blocks = Sequential(first, *rest)

    def forward(self, x):
        return self.blocks(x)


### WRONG the later blocks also take in in_feats channels instead of out_feats -> named; in_feats for every block
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


### WRONG return forgotten in forward -> named; hint
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.first = ResidualBlock(in_feats, out_feats, first_stride)
        self.rest = Sequential(*[ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)])

    def forward(self, x):
        x = self.first(x)
        x = self.rest(x)


### WRONG star forgotten: Sequential gets a list instead of modules -> named; hint
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        for _ in range(1, n_blocks):
            blocks.append(ResidualBlock(out_feats, out_feats))
        self.blocks = Sequential(blocks)

    def forward(self, x):
        return self.blocks(x)


### WRONG a ModuleList is called as if it were a Sequential: NotImplementedError -> named; hint
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        self.blocks = nn.ModuleList(
            [ResidualBlock(in_feats, out_feats, first_stride)]
            + [ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)]
        )

    def forward(self, x):
        return self.blocks(x)


### WRONG first_stride is not passed on to the first block; one block too few -> named; one block too few of several, first_stride ignored
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        layers = [ResidualBlock(in_feats, out_feats)]
        for _ in range(1, n_blocks - 1):
            layers.append(ResidualBlock(out_feats, out_feats))
        self.layers = Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


### WRONG the channels change in the last block instead of the first (which has first_stride, but keeps in_feats) -> named; features change in the last block
class BlockGroup(nn.Module):
    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        if n_blocks == 1:
            blocks = [ResidualBlock(in_feats, out_feats, first_stride)]
        else:
            blocks = [ResidualBlock(in_feats, in_feats, first_stride)]
            for _ in range(n_blocks - 2):
                blocks.append(ResidualBlock(in_feats, in_feats))
            blocks.append(ResidualBlock(in_feats, out_feats))
        self.blocks = Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x)
