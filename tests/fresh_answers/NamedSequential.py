### RIGHT isinstance and add_module
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### RIGHT match on the tuple, one loop over pairs
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        match modules:
            case (OrderedDict() as named,):
                pairs = named.items()
            case _:
                pairs = ((str(i), m) for i, m in enumerate(modules))
        for name, module in pairs:
            self.add_module(name, module)


### WRONG tests whether the tuple of all arguments is an OrderedDict, which it never is, so the dict itself is added as a module (TypeError)
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if isinstance(modules, OrderedDict):
            for name, module in modules.items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### WRONG the positional modules get an int as name (TypeError); modules[0] is looked at without checking that there is one, so NamedSequential() raises
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(i, module)


### WRONG hands all arguments to super().__init__ first, which fails on an OrderedDict
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__(*modules)
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)


### WRONG loops over the OrderedDict without .items(), so a key is unpacked into name and module
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0]:
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### WRONG self.name = module registers every module of the dict under "name", so only the last stays
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.name = module
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### WRONG only the OrderedDict is handled, positional modules are dropped without a word
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)


### WRONG looks at modules[0] without checking that there is one: NamedSequential() raises an IndexError
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        first = modules[0]
        if isinstance(first, OrderedDict):
            for name, module in first.items():
                self.add_module(name, module)
        else:
            for idx, module in enumerate(modules):
                self.add_module(str(idx), module)


### WRONG a single argument is always taken for a dict, so one plain module fails
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1:
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### WRONG wraps an nn.Sequential in an attribute, so all names get the prefix "seq." and indexing finds the wrapper
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        self.seq = nn.Sequential(*modules)


### WRONG positional modules are called layer1, layer2 … instead of "0", "1"; NamedSequential() raises an IndexError, since modules[0] is looked at unchecked
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if isinstance(modules[0], OrderedDict):
            for name in modules[0].keys():
                self.add_module(name, modules[0][name])
        else:
            for i, module in enumerate(modules, start=1):
                self.add_module(f"layer{i}", module)
