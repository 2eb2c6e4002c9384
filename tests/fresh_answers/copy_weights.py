### RIGHT dict(zip(keys, values)) after an assert
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    mine = my_resnet.state_dict()
    theirs = pretrained_resnet.state_dict()
    assert len(mine) == len(theirs), f"{len(mine)} entries, but {len(theirs)} in the pretrained one"
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values())))
    return my_resnet

### RIGHT loop over the items into an OrderedDict
def copy_weights(my_resnet, pretrained_resnet):
    my_dict = my_resnet.state_dict()
    pretrained_dict = pretrained_resnet.state_dict()
    assert len(my_dict) == len(pretrained_dict)

    new_dict = OrderedDict()
    for (my_name, _), (_, value) in zip(my_dict.items(), pretrained_dict.items()):
        new_dict[my_name] = value
    my_resnet.load_state_dict(new_dict)
    return my_resnet

### WRONG the numbers of entries are not compared, so values left over in a longer pretrained state dict are dropped silently
def copy_weights(my_resnet, pretrained_resnet):
    new_state = dict(zip(my_resnet.state_dict().keys(), pretrained_resnet.state_dict().values()))
    my_resnet.load_state_dict(new_state)
    return my_resnet

### WRONG returns what load_state_dict returns (the missing and unexpected keys) instead of the network
def copy_weights(my_resnet, pretrained_resnet):
    mine = my_resnet.state_dict()
    pre = pretrained_resnet.state_dict()
    assert len(mine) == len(pre)
    return my_resnet.load_state_dict(dict(zip(mine.keys(), pre.values())))

### WRONG the return is forgotten; the numbers of entries are not compared
def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    state_dict = {}
    for my_name, value in zip(my_resnet.state_dict(), pretrained_resnet.state_dict().values()):
        state_dict[my_name] = value
    my_resnet.load_state_dict(state_dict)

### WRONG entries are matched by name (forum recipe), and the names differ, so they are not copied; the numbers of entries are not compared
def copy_weights(my_resnet, pretrained_resnet):
    model_dict = my_resnet.state_dict()
    pretrained_dict = pretrained_resnet.state_dict()
    # 1. filter out unnecessary keys
    pretrained_dict = {k: v for k, v in pretrained_dict.items() if k in model_dict}
    # 2. overwrite entries in the existing state dict
    model_dict.update(pretrained_dict)
    # 3. load the new state dict
    my_resnet.load_state_dict(model_dict)
    return my_resnet

### WRONG loads the pretrained state dict under its own names with strict=False, so nothing whose name differs is copied
def copy_weights(my_resnet, pretrained_resnet):
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())
    my_resnet.load_state_dict(pretrained_resnet.state_dict(), strict=False)
    return my_resnet

### WRONG copies the parameters only, the buffers (running mean and variance, counter) keep their initial values
def copy_weights(my_resnet, pretrained_resnet):
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())
    with torch.no_grad():
        for mine, theirs in zip(my_resnet.parameters(), pretrained_resnet.parameters()):
            mine.copy_(theirs)
    return my_resnet

### WRONG the parameters share memory with the pretrained network's instead of being copied; the buffers are not copied at all
def copy_weights(my_resnet, pretrained_resnet):
    assert len(list(my_resnet.state_dict())) == len(list(pretrained_resnet.state_dict()))
    for p_mine, p_pre in zip(my_resnet.parameters(), pretrained_resnet.parameters()):
        p_mine.data = p_pre.data
    return my_resnet

### WRONG a new ResNet34 is made, loaded and returned, and the network that was passed in is left as it was
def copy_weights(my_resnet, pretrained_resnet):
    my_sd = my_resnet.state_dict()
    pre_sd = pretrained_resnet.state_dict()
    assert len(my_sd) == len(pre_sd), "different number of entries"
    new_resnet = ResNet34()
    new_resnet.load_state_dict({k: v for k, v in zip(my_sd.keys(), pre_sd.values())})
    return new_resnet

### WRONG names and values the wrong way round (pretrained names, own values), so load_state_dict raises about missing keys
def copy_weights(my_resnet, pretrained_resnet):
    my_dict = my_resnet.state_dict()
    pretrained_dict = pretrained_resnet.state_dict()
    assert len(my_dict) == len(pretrained_dict)
    new_dict = dict(zip(pretrained_dict.keys(), my_dict.values()))
    my_resnet.load_state_dict(new_dict)
    return my_resnet

### WRONG the assert counts the parameters and not the entries of the state dicts, so a differing number of buffers is not noticed
def copy_weights(my_resnet, pretrained_resnet):
    n_mine = len(list(my_resnet.parameters()))
    n_pretrained = len(list(pretrained_resnet.parameters()))
    assert n_mine == n_pretrained, f"{n_mine} != {n_pretrained}"
    values = pretrained_resnet.state_dict().values()
    my_resnet.load_state_dict(dict(zip(my_resnet.state_dict().keys(), values)))
    return my_resnet

### WRONG only the dictionary that state_dict() gave is changed, which is never loaded, so the network keeps its weights
def copy_weights(my_resnet, pretrained_resnet):
    mine = my_resnet.state_dict()
    theirs = pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    for name, value in zip(list(mine.keys()), theirs.values()):
        mine[name] = value
    return my_resnet

### WRONG hands load_state_dict the zip itself, not a dict, which raises a TypeError
def copy_weights(my_resnet, pretrained_resnet):
    my_names = my_resnet.state_dict().keys()
    values = pretrained_resnet.state_dict().values()
    assert len(my_names) == len(values)
    my_resnet.load_state_dict(zip(my_names, values))
    return my_resnet
