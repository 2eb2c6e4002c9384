### RIGHT add_module in both branches
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### RIGHT pairs first, then one loop
class NamedSequential(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = dict(modules[0])
        else:
            named = {f"{k}": m for k, m in enumerate(modules)}
        for k, m in named.items():
            setattr(self, k, m)


### WRONG isinstance asks the tuple of all arguments, not its one entry, so an OrderedDict is never recognised -> named; OrderedDict not accepted
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if isinstance(modules, OrderedDict):
            for name, module in modules.items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### WRONG .items() forgotten on the OrderedDict; number given as an int, not a string, for the name of a plain module -> named; hint
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0]:
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(i, module)


### WRONG the number of a plain module is given to add_module as an int, not a string -> named; hint
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for idx, module in enumerate(modules):
                self.add_module(idx, module)


### WRONG looks at modules[0] without looking whether there is one, so NamedSequential() is an IndexError -> named; the first of no modules looked at
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        first = modules[0]
        if isinstance(first, OrderedDict):
            for name, module in first.items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


### WRONG also stores the arguments as self.modules, which hides the method modules() of nn.Module -> accepted; passed
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        self.modules = modules
        if len(self.modules) == 1 and isinstance(self.modules[0], OrderedDict):
            for name, module in self.modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(self.modules):
                self.add_module(str(i), module)


### WRONG star forgotten: plain modules are passed on to Sequential as one tuple -> named; hint
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for key, value in modules[0].items():
                self.add_module(key, value)
        else:
            super().__init__(modules)


### WRONG plain modules are put into a ModuleList self.layers, so they are named layers.0, ... and forward fails -> named; modules inside another module
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.layers = nn.ModuleList(modules)


### WRONG only the OrderedDict is handled, so plain modules are dropped (super().__init__() gets none) -> named; unnamed modules dropped
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        # plain modules are already done by Sequential
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)


### WRONG the keys of the OrderedDict are thrown away: its modules are named "0", "1", ... -> named; names ignored
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            modules = modules[0].values()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)


### WRONG the loop over the OrderedDict names every module "name" (quotes around the variable), so only the last one is left -> named; all modules under one name
class NamedSequential(Sequential):
    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module("name", module)
        else:
            for i, module in enumerate(modules):
                self.add_module(f"{i}", module)
