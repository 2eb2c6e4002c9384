"""Sequential as learners write it, wrong in each known way and right in several."""

from collections import OrderedDict

from torch import nn

from resnet_helpers.layers import Sequential
from wrong import makes, solves

# ---- Wrong ----------------------------------------------------------------------------------


class Given(nn.Module):
    """A Sequential by hand, all of it right."""

    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self._modules[name] = module
        else:
            for i, module in enumerate(modules):
                self._modules[str(i)] = module

    def name(self, index):
        return list(self._modules.keys())[index]

    def __getitem__(self, index):
        return self._modules[self.name(index)]

    def __setitem__(self, index, module):
        self._modules[self.name(index)] = module

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x


@makes("NamedSequential", "index modulo length")
class Modulo(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)

    def __getitem__(self, index):
        index %= len(self._modules)
        return self._modules[list(self._modules.keys())[index]]

    def __setitem__(self, index, module):
        index %= len(self._modules)
        self._modules[list(self._modules.keys())[index]] = module


@makes("NamedSequential", "no negative indices")
class NoNegative(Given):
    def name(self, index):
        for i, name in enumerate(self._modules):
            if i == index:
                return name
        raise IndexError(f"no module at {index}")


@makes("NamedSequential", "names compared with the index as text")
class IndexAsText(Given):
    def __getitem__(self, index):
        return self._modules[f"{index}"]

    def __setitem__(self, index, module):
        self.add_module(f"{index}", module)


@makes("NamedSequential", "modules in a plain list")
class PlainList(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            modules = modules[0].values()
        self.layers = [*modules]

    def __getitem__(self, index):
        return self.layers[index]

    def __setitem__(self, index, module):
        self.layers[index] = module

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@makes("NamedSequential", "modules in a plain list, the rest inherited")
class ListOnly(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            self.layers = list(modules[0].values())
        else:
            self.layers = list(modules)


@makes("NamedSequential", "no modules registered")
class Nothing(Sequential):
    def __init__(self, *modules):
        super().__init__()


@makes("NamedSequential", "names ignored")
class NamesIgnored(Sequential):
    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            modules = list(modules[0].values())
        super().__init__(*modules)


@makes("NamedSequential", "names in sorted order")
class Sorted(Sequential):
    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            super().__init__()
            for name, module in sorted(modules[0].items()):
                setattr(self, name, module)
        else:
            super().__init__(*modules)


@makes("NamedSequential", "OrderedDict not accepted")
class NotAccepted(Sequential):
    pass


@makes("NamedSequential", "a single module taken for an OrderedDict")
class AnySingle(Sequential):
    def __init__(self, *modules):
        super().__init__()
        items = enumerate(modules) if len(modules) != 1 else modules[0].items()
        for key, module in items:
            self.add_module(str(key), module)


@makes("NamedSequential", "modules added under number and name")
class AddedTwice(nn.Sequential):
    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            super().__init__(*modules[0].values())
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            super().__init__(*modules)


@makes("NamedSequential", "replacing moves to the end")
class MovesToTheEnd(Given):
    def __setitem__(self, index, module):
        name = self.name(index)
        delattr(self, name)
        setattr(self, name, module)


@makes("NamedSequential", "modules applied in reverse")
class Reverse(Given):
    def forward(self, x):
        for i in range(len(self._modules) - 1, -1, -1):
            x = self[i](x)
        return x


@makes("NamedSequential", "each module applied to the first input")
class AllToTheInput(Given):
    def forward(self, x):
        for module in self.children():
            y = module(x)
        return y


@makes("NamedSequential", "returned after the first module")
class EarlyReturn(Given):
    def forward(self, x):
        for module in self.children():
            x = module(x)
            return x


# ---- Right ----------------------------------------------------------------------------------

solves("NamedSequential")(nn.Sequential)
solves("NamedSequential")(Given)


@solves("NamedSequential")
class Named(Sequential):
    def __init__(self, *modules):
        match modules:
            case [OrderedDict() as names]:
                super().__init__()
                for name, module in names.items():
                    setattr(self, name, module)
            case _:
                super().__init__(*modules)


@solves("NamedSequential")
class RegisterModule(Sequential):
    def __init__(self, *modules):
        super().__init__()
        by_name = dict(enumerate(modules))
        if modules and isinstance(modules[0], OrderedDict):
            by_name = modules[0]
        for name in by_name:
            self.register_module(str(name), by_name[name])


@solves("NamedSequential")
class ByPosition(nn.Module):
    def __init__(self, *args):
        super().__init__()
        if args and isinstance(args[0], OrderedDict):
            self._modules.update(args[0])
        else:
            self._modules.update({str(i): module for i, module in enumerate(args)})

    def __getitem__(self, position):
        return [*self.children()][position]

    def __setitem__(self, position, module):
        key = tuple(self._modules)[position]
        self._modules[key] = module

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x
