### RIGHT zip of keys and values, load_state_dict
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    mine = my_resnet.state_dict()
    pretrained = pretrained_resnet.state_dict()
    assert len(mine) == len(pretrained), f"{len(mine)} entries, but {len(pretrained)} in the pretrained"
    my_resnet.load_state_dict(dict(zip(mine.keys(), pretrained.values())))
    return my_resnet

### RIGHT loop into an OrderedDict
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    my_items = list(my_resnet.state_dict().items())
    pre_items = list(pretrained_resnet.state_dict().items())
    assert len(my_items) == len(pre_items), "number of entries differs"

    new_state = OrderedDict()
    for (my_name, _), (_, value) in zip(my_items, pre_items):
        new_state[my_name] = value.clone()
    my_resnet.load_state_dict(new_state)
    return my_resnet

### WRONG no assertion that both have the same number of entries, so surplus entries are dropped silently -> named; lengths not compared
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    new_state = {
        name: value
        for name, value in zip(my_resnet.state_dict().keys(), pretrained_resnet.state_dict().values())
    }
    my_resnet.load_state_dict(new_state)
    return my_resnet

### WRONG copies parameters only, the buffers (running statistics) are not copied -> named; buffers forgotten, though counted
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())
    with torch.no_grad():
        for mine, theirs in zip(my_resnet.parameters(), pretrained_resnet.parameters()):
            mine.copy_(theirs)
    return my_resnet

### WRONG loads the pretrained state dict as it is with strict=False, so (the names being other ones) next to nothing is copied -> named; names not translated, with strict=False
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    state = pretrained_resnet.state_dict()
    assert len(my_resnet.state_dict()) == len(state)
    my_resnet.load_state_dict(state, strict=False)
    return my_resnet

### WRONG zips the two dicts themselves, so the values are the pretrained names (strings), and loading raises -> named; names zipped with names
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    my_sd = my_resnet.state_dict()
    pre_sd = pretrained_resnet.state_dict()
    assert len(my_sd) == len(pre_sd)
    my_resnet.load_state_dict(dict(zip(my_sd, pre_sd)))
    return my_resnet

### WRONG forgotten return: returns None -> named; nothing returned
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    my_dict = my_resnet.state_dict()
    pretrained_dict = pretrained_resnet.state_dict()
    assert len(my_dict) == len(pretrained_dict), "Number of state dictionaries doesn't match."

    state_dict_to_load = {
        my_key: pretrained_value
        for (my_key, my_value), (pretrained_key, pretrained_value) in zip(
            my_dict.items(), pretrained_dict.items()
        )
    }
    my_resnet.load_state_dict(state_dict_to_load)

### WRONG returns what load_state_dict returns ("all keys matched") and not the network -> named; load_state_dict's result returned
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    a = my_resnet.state_dict()
    b = pretrained_resnet.state_dict()
    assert len(a) == len(b)
    return my_resnet.load_state_dict(OrderedDict(zip(a.keys(), b.values())))

### WRONG names and values exchanged: pretrained names with my values, which raises -> named; keys and values swapped
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    my_sd, pre_sd = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(my_sd) == len(pre_sd)
    new = {}
    for (my_name, my_value), (name, value) in zip(my_sd.items(), pre_sd.items()):
        new[name] = my_value
    my_resnet.load_state_dict(new)
    return my_resnet

### WRONG the forum idiom that keeps only entries whose name is in my network, so (nearly) nothing is copied; no assertion of equal numbers of entries -> named; names not translated, with strict=False, lengths not compared
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    pretrained_dict = pretrained_resnet.state_dict()
    model_dict = my_resnet.state_dict()
    # 1. filter out unnecessary keys
    pretrained_dict = {k: v for k, v in pretrained_dict.items() if k in model_dict}
    # 2. overwrite entries in the existing state dict
    model_dict.update(pretrained_dict)
    # 3. load the new state dict
    my_resnet.load_state_dict(model_dict)
    return my_resnet

### WRONG writes the values into the dict that state_dict() returned and never loads it, so nothing is copied -> named; never loaded
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    my_state = my_resnet.state_dict()
    pretrained_state = pretrained_resnet.state_dict()
    assert len(my_state) == len(pretrained_state)
    for my_name, pretrained_name in zip(my_state, pretrained_state):
        my_state[my_name] = pretrained_state[pretrained_name]
    return my_resnet

### WRONG shares the pretrained network's tensors and does not copy them: changing one network changes the other -> named; memory shared through .data
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())
    for p_mine, p_pre in zip(my_resnet.parameters(), pretrained_resnet.parameters()):
        p_mine.data = p_pre.data
    for b_mine, b_pre in zip(my_resnet.buffers(), pretrained_resnet.buffers()):
        b_mine.data = b_pre.data
    return my_resnet

### WRONG asserts that the names are equal and not the numbers, so it always raises an AssertionError -> generic; remark
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    mine = my_resnet.state_dict()
    theirs = pretrained_resnet.state_dict()
    assert mine.keys() == theirs.keys()
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values())))
    return my_resnet

### WRONG the assertion is of a tuple (condition, message), which is always true, so different numbers of entries are not noticed -> named; lengths not compared
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    my_dict = my_resnet.state_dict()
    pre_dict = pretrained_resnet.state_dict()
    assert (len(my_dict) == len(pre_dict), "state dicts have different lengths")
    weights = dict(zip(my_dict.keys(), pre_dict.values()))
    my_resnet.load_state_dict(weights)
    return my_resnet
