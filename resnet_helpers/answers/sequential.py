"""Answers to NamedSequential."""

from collections import OrderedDict

from torch import nn

from resnet_helpers.answers.edits import Answers
from resnet_helpers.layers import Sequential

named_sequential = Answers("NamedSequential", globals())
right, wrong = named_sequential.right, named_sequential.wrong

# ---- Right ----------------------------------------------------------------------------------


@right
class ByHand(nn.Module):
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


@right
class FromTheChildren(nn.Module):
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


@right
class AddModule(Sequential):
    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(modules):
                self.add_module(str(i), module)


@right
class Attributes(Sequential):
    def __init__(self, *modules):
        match modules:
            case [OrderedDict() as names]:
                super().__init__()
                for name, module in names.items():
                    setattr(self, name, module)
            case _:
                super().__init__(*modules)


@right
class RegisterModule(Sequential):
    def __init__(self, *modules):
        super().__init__()
        by_name = dict(enumerate(modules))
        if modules and isinstance(modules[0], OrderedDict):
            by_name = modules[0]
        for name in by_name:
            self.register_module(str(name), by_name[name])


@right
class InheritedNumbers(nn.Sequential):
    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            super().__init__()
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            super().__init__(*modules)


@right
class Inherited(nn.Sequential):
    pass


@right
class KeepsAListAsWell(Sequential):
    def __init__(self, *modules):
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            super().__init__()
            self.given = dict(modules[0])
            self._modules.update(self.given)
        else:
            super().__init__(*modules)
            self.given = list(modules)


# ---- Wrong ----------------------------------------------------------------------------------

wrong("index modulo length", ByHand, {"[index]": "[index % len(self._modules)]"})
wrong(
    "no negative indices",
    ByHand,
    {
        "return list(self._modules.keys())[index]": "for i, name in enumerate(self._modules):\n"
        "    if i == index:\n"
        "        return name\n"
        'raise IndexError(f"no module at {index}")'
    },
)
wrong(
    "names compared with the index as text",
    ByHand,
    {"list(self._modules.keys())[index]": "str(index)"},
)
wrong(
    "modules in a plain list",
    FromTheChildren,
    {
        "self._modules.update(args[0])": "self.layers = list(args[0].values())",
        "self._modules.update({str(i): module for i, module in enumerate(args)})": (
            "self.layers = list(args)"
        ),
        "[*self.children()][position]": "self.layers[position]",
        "key = tuple(self._modules)[position]\nself._modules[key]": "self.layers[position]",
        "in self.children():": "in self.layers:",
    },
)
wrong(
    "modules in a plain list, the rest inherited",
    AddModule,
    {
        "for name, module in modules[0].items():\nself.add_module(name, module)": (
            "self.layers = list(modules[0].values())"
        ),
        "for i, module in enumerate(modules):\nself.add_module(str(i), module)": (
            "self.layers = list(modules)"
        ),
    },
)
wrong(
    "no modules registered",
    RegisterModule,
    {"\nfor name in by_name:\nself.register_module(str(name), by_name[name])": ""},
)
wrong(
    "unnamed modules dropped",
    AddModule,
    {
        "else:\nfor i, module in enumerate(modules):\nself.add_module(str(i), module)": (
            "elif modules:\n    self.unnamed = None"
        )
    },
)
wrong("numbered from 1", ByHand, {"[str(i)]": "[str(i + 1)]"})
wrong(
    "add_module with its arguments swapped",
    RegisterModule,
    {"str(name), by_name[name]": "by_name[name], str(name)"},
)
wrong("keys of the OrderedDict taken for its items", InheritedNumbers, {".items()": ""})
wrong("the caller's OrderedDict kept", FromTheChildren, {".update(args[0])": " = args[0]"})
wrong("the first of no modules looked at", RegisterModule, {"modules and ": ""})
wrong("names ignored", RegisterModule, {"= modules[0]": "= dict(enumerate(modules[0].values()))"})
wrong("names in sorted order", RegisterModule, {"name in by_name": "name in sorted(by_name)"})
wrong(
    "OrderedDict not accepted", Attributes, {"[OrderedDict() as names]": "OrderedDict() as names"}
)
wrong(
    "a single module taken for an OrderedDict",
    AddModule,
    {" and isinstance(modules[0], OrderedDict)": ""},
)
wrong(
    "modules added under number and name",
    InheritedNumbers,
    {"super().__init__()": "super().__init__(*modules[0].values())"},
)
wrong(
    "modules added under name and number",
    AddModule,
    {"else:": "    modules = tuple(modules[0].values())\nif modules:"},
)
wrong(
    "replacing moves to the end",
    FromTheChildren,
    {"self._modules[key] = module": "delattr(self, key)\nsetattr(self, key, module)"},
)
wrong(
    "modules applied in reverse",
    ByHand,
    {"in self._modules.values()": "in reversed(self._modules.values())"},
)
wrong(
    "each module applied to the first input",
    FromTheChildren,
    {"x = module": "y = module", "return x": "return y"},
)
wrong("returned after the first module", ByHand, {"x = module(x)\nreturn x": "return module(x)"})
wrong(
    "all modules under one name",
    AddModule,
    {"self.add_module(name, module)": 'self.add_module("module", module)'},
)
wrong(
    "all modules under one name", Attributes, {"setattr(self, name, module)": "self.name = module"}
)
wrong(
    "modules inside another module",
    InheritedNumbers,
    {"super().__init__(*modules)": "super().__init__()\nself.layers = nn.ModuleList(modules)"},
)
