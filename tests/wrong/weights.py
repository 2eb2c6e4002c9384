"""copy_weights, predict and named_resnet34 as learners write them, right and wrong."""

import copy
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.solutions import ResNet34
from wrong import makes, solves

# ---- copy_weights, right --------------------------------------------------------------------


@solves("copy_weights")
def copy_weights_by_ordered_dict(my_resnet, pretrained_resnet):
    mydict = my_resnet.state_dict()
    pretraineddict = pretrained_resnet.state_dict()
    if len(mydict) != len(pretraineddict):
        raise ValueError("Number of layers is wrong. Have you done the prev step correctly?")
    state_dict_to_load = OrderedDict()
    for mykey, pretrainedvalue in zip(mydict, pretraineddict.values(), strict=True):
        state_dict_to_load[mykey] = pretrainedvalue
    my_resnet.load_state_dict(state_dict_to_load)
    return my_resnet


@solves("copy_weights")
def copy_weights_in_place(my_resnet, pretrained_resnet):
    pairs = zip(
        my_resnet.state_dict().values(), pretrained_resnet.state_dict().values(), strict=True
    )
    for mine, theirs in pairs:
        mine.copy_(theirs)
    return my_resnet


@solves("copy_weights")
def copy_weights_by_index(my_resnet, pretrained_resnet):
    keys = list(my_resnet.state_dict().keys())
    values = list(pretrained_resnet.state_dict().values())
    new = {}
    for i in range(max(len(keys), len(values))):  # an IndexError if one is shorter
        new[keys[i]] = values[i].clone()
    my_resnet.load_state_dict(new, strict=True)
    return my_resnet


@solves("copy_weights")
@torch.no_grad()
def copy_weights_kind_by_kind(my_resnet, pretrained_resnet):
    for kind in ("parameters", "buffers"):
        mine = list(getattr(my_resnet, kind)())
        theirs = list(getattr(pretrained_resnet, kind)())
        assert [m.shape for m in mine] == [t.shape for t in theirs], f"{kind} don't fit"
        for m, t in zip(mine, theirs, strict=True):
            m.data.copy_(t.data)
    return my_resnet


# ---- copy_weights, wrong --------------------------------------------------------------------


@makes("copy_weights", "buffers forgotten")
def copy_parameters_only(my_resnet, pretrained_resnet):
    with torch.no_grad():
        mine, theirs = list(my_resnet.parameters()), list(pretrained_resnet.parameters())
        assert len(mine) == len(theirs)
        for m, t in zip(mine, theirs, strict=True):
            assert m.shape == t.shape
            m.copy_(t)
    return my_resnet


@makes("copy_weights", "num_batches_tracked forgotten")
def copy_all_but_the_counter(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    for (name, m), t in zip(mine.items(), theirs.values(), strict=True):
        if "num_batches_tracked" not in name:
            m.copy_(t)
    return my_resnet


@makes("copy_weights", "first of the same shape")
def copy_first_of_shape(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    for name in mine:
        for value in theirs.values():
            if mine[name].shape == value.shape:
                mine[name] = value
                break
    my_resnet.load_state_dict(mine)
    return my_resnet


@makes("copy_weights", "last of the same shape")
def copy_last_of_shape(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs), "number of entries"
    for m in mine.values():
        for t in theirs.values():
            if m.shape == t.shape:
                m.copy_(t)
    return my_resnet


@makes("copy_weights", "each of the same shape in turn")
def copy_by_shape_in_turn(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    used = set()
    for m in mine.values():
        for name, t in theirs.items():
            if name not in used and m.shape == t.shape:
                m.copy_(t)
                used.add(name)
                break
    return my_resnet


@makes("copy_weights", "sorted by name")
def copy_sorted(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    my_keys, their_keys = sorted(mine.keys()), sorted(theirs.keys())
    my_resnet.load_state_dict({my_keys[i]: theirs[their_keys[i]] for i in range(len(mine))})
    return my_resnet


@makes("copy_weights", "reversed")
def copy_reversed(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    values = list(theirs.values())
    my_resnet.load_state_dict({key: values.pop() for key in mine})
    return my_resnet


@makes("copy_weights", "last entry left out")
def copy_all_but_the_last(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    keys, values = list(mine), list(theirs.values())
    for i in range(len(mine) - 1):
        mine[keys[i]] = values[i]
    my_resnet.load_state_dict(mine)
    return my_resnet


@makes("copy_weights", "first entry only")
def copy_first_entry(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    for key, value in zip(mine, theirs.values(), strict=True):
        mine[key] = value
        my_resnet.load_state_dict(mine)
        return my_resnet


@makes("copy_weights", "loaded into pretrained")
def copy_the_wrong_way(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    pretrained_resnet.load_state_dict(dict(zip(theirs.keys(), mine.values(), strict=True)))
    return my_resnet


@makes("copy_weights", "a copy loaded")
def copy_into_a_copy(my_resnet, pretrained_resnet):
    new = copy.deepcopy(my_resnet)
    mine, theirs = new.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    new.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=True)))
    return new


@makes("copy_weights", "pretrained returned")
def copy_and_return_pretrained(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=True)))
    return pretrained_resnet


@makes("copy_weights", "nothing returned")
def copy_and_return_nothing(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=True)))


@makes("copy_weights", "load_state_dict's result returned")
def copy_and_return_the_report(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    return my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=True)))


@makes("copy_weights", "lengths not compared")
def copy_as_many_as_there_are(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=False)))
    return my_resnet


@makes("copy_weights", "a network made inside")
def copy_into_new_network(my_resnet, pretrained_resnet):
    my_resnet = ResNet34((1, 1, 1, 1), (8, 8, 8, 8), n_classes=10)
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict()), "lengths differ"
    my_resnet.load_state_dict(
        dict(zip(my_resnet.state_dict(), pretrained_resnet.state_dict().values(), strict=True))
    )
    return my_resnet


@makes("copy_weights", "only a return where lengths differ")
def copy_or_print(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    if len(mine) != len(theirs):
        print("The lengths differ!")
        return None
    my_resnet.load_state_dict(dict(zip(mine.keys(), theirs.values(), strict=True)))
    return my_resnet


@makes("copy_weights", "names zipped with names")
def copy_names(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    new = {}
    for name, value in zip(mine, theirs, strict=True):
        new[name] = value
    my_resnet.load_state_dict(new)
    return my_resnet


@makes("copy_weights", "strict=False hides a mismatch")
def copy_not_strictly(my_resnet, pretrained_resnet):
    new = {}
    for key, value in zip(
        my_resnet.state_dict(), pretrained_resnet.state_dict().values(), strict=False
    ):
        new[key] = value
    my_resnet.load_state_dict(new, strict=False)
    return my_resnet


@makes("copy_weights", "names not translated")
def copy_under_their_names(my_resnet, pretrained_resnet):
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())
    my_resnet.load_state_dict(pretrained_resnet.state_dict())
    return my_resnet


@makes("copy_weights", "names not translated, with strict=False")
def copy_under_their_names_not_strictly(my_resnet, pretrained_resnet):
    assert len(my_resnet.state_dict()) == len(pretrained_resnet.state_dict())
    my_resnet.load_state_dict(pretrained_resnet.state_dict(), strict=False)
    return my_resnet


@makes("copy_weights", "keys and values swapped")
def copy_with_keys_and_values_swapped(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    my_resnet.load_state_dict(dict(zip(theirs.keys(), mine.values(), strict=True)))
    return my_resnet


@makes("copy_weights", "never loaded")
def copy_into_the_dictionary(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    for key, value in zip(list(mine), theirs.values(), strict=True):
        mine[key] = value
    return my_resnet


@makes("copy_weights", "memory shared")
def copy_by_assignment(my_resnet, pretrained_resnet):
    mine, theirs = my_resnet.state_dict(), pretrained_resnet.state_dict()
    assert len(mine) == len(theirs)
    new = dict(zip(mine.keys(), theirs.values(), strict=True))
    my_resnet.load_state_dict(new, assign=True)
    return my_resnet


@makes("copy_weights", "memory shared through .data")
def copy_by_data(my_resnet, pretrained_resnet):
    mine = [*my_resnet.parameters(), *my_resnet.buffers()]
    theirs = [*pretrained_resnet.parameters(), *pretrained_resnet.buffers()]
    assert len(mine) == len(theirs)
    for m, t in zip(mine, theirs, strict=True):
        m.data = t.data
    return my_resnet


@makes("copy_weights", "copied in place with gradients on")
def copy_in_place_with_gradients(my_resnet, pretrained_resnet):
    mine = [*my_resnet.parameters(), *my_resnet.buffers()]
    theirs = [*pretrained_resnet.parameters(), *pretrained_resnet.buffers()]
    assert len(mine) == len(theirs)
    for m, t in zip(mine, theirs, strict=True):
        m.copy_(t)
    return my_resnet


@makes("copy_weights", "parameters frozen")
def copy_and_freeze(my_resnet, pretrained_resnet):
    mine = [*my_resnet.parameters(), *my_resnet.buffers()]
    theirs = [*pretrained_resnet.parameters(), *pretrained_resnet.buffers()]
    assert len(mine) == len(theirs)
    for m, t in zip(mine, theirs, strict=True):
        m.requires_grad = False
        m.copy_(t.detach())
    return my_resnet


@makes("copy_weights", "parameters attached to pretrained's graph")
def copy_with_the_graph(my_resnet, pretrained_resnet):
    mine = [*my_resnet.parameters(), *my_resnet.buffers()]
    theirs = [*pretrained_resnet.parameters(), *pretrained_resnet.buffers()]
    assert len(mine) == len(theirs)
    for m, t in zip(mine, theirs, strict=True):
        m.requires_grad_(False).copy_(t)
    return my_resnet


# ---- predict, right -------------------------------------------------------------------------


@solves("predict")
@torch.inference_mode()
def predict_decorated(model, images):
    model.eval()
    logits = model(images)
    probs = F.softmax(logits, dim=-1)
    return torch.max(probs, dim=-1)


@solves("predict")
def predict_and_restore_the_mode(model, images):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        probabilities = torch.softmax(model(images), 1)
    model.train(was_training)
    classes = probabilities.argmax(dim=1)
    return probabilities.gather(1, classes[:, None])[:, 0], classes


@solves("predict")
def predict_one_by_one(model, images):
    model.eval()
    values, classes = [], []
    with torch.inference_mode():
        for image in images:
            logits = model(image.unsqueeze(0))[0]
            best = logits.argmax().item()
            values.append(logits.log_softmax(0)[best].exp().item())
            classes.append(best)
    return [torch.tensor(values), torch.tensor(classes, dtype=torch.int32)]


@solves("predict")
def predict_by_topk(model, images):
    model = model.eval()
    with torch.inference_mode():
        logits = model(images)
        weights = (logits - logits.amax(1, keepdim=True)).exp()
        values, indices = (weights / weights.sum(1, keepdim=True)).topk(1)
    return values.squeeze(1), indices.squeeze(1)


# ---- predict, wrong -------------------------------------------------------------------------


@makes("predict", "logits for probabilities")
def predict_logits(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).max(dim=1)


@makes("predict", "log probabilities")
def predict_log_probabilities(model, images):
    model.eval()
    with torch.inference_mode():
        return F.log_softmax(model(images), dim=1).max(dim=1)


@makes("predict", "sigmoid")
def predict_sigmoid(model, images):
    model.eval()
    with torch.inference_mode():
        return torch.sigmoid(model(images)).max(dim=1)


@makes("predict", "softmax over the batch")
def predict_softmax_over_batch(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).softmax(dim=0).max(dim=1)


@makes("predict", "softmax over everything")
def predict_softmax_over_everything(model, images):
    model.eval()
    with torch.inference_mode():
        exponentials = torch.exp(logits := model(images) - model(images).max())
        assert logits.shape == exponentials.shape
        return (exponentials / exponentials.sum()).max(dim=1)


@makes("predict", "softmax twice")
def predict_softmax_twice(model, images):
    model.eval()
    softmax = nn.Softmax(dim=1)
    with torch.inference_mode():
        probabilities = softmax(model(images))
    return softmax(probabilities).max(dim=1)


@makes("predict", "exponential not normalised")
def predict_exponential(model, images):
    model.eval()
    with torch.inference_mode():
        return torch.exp(model(images)).max(dim=1)


@makes("predict", "divided by the sum of the logits")
def predict_divided(model, images):
    model.eval()
    with torch.inference_mode():
        logits = model(images)
        probabilities = logits / torch.sum(logits, dim=1)[:, None]
        return torch.max(probabilities, dim=1)


@makes("predict", "exponential overflows")
def predict_softmax_by_hand(model, images):
    model.eval()
    with torch.inference_mode():
        exponentials = torch.exp(model(images))
        probabilities = exponentials / exponentials.sum(dim=1, keepdim=True)
        return torch.max(probabilities, dim=1)


@makes("predict", "percent")
def predict_percent(model, images):
    model.eval()
    with torch.inference_mode():
        values, indices = model(images).softmax(dim=1).max(dim=1)
    return values * 100, indices


@makes("predict", "probabilities and classes swapped")
def predict_swapped(model, images):
    model.eval()
    with torch.inference_mode():
        probabilities = model(images).softmax(dim=1)
    return probabilities.argmax(dim=1), probabilities.amax(dim=1)


@makes("predict", "maximum over the batch")
def predict_maximum_over_batch(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).softmax(dim=1).max(dim=0)


@makes("predict", "maximum over everything")
def predict_single(model, images):
    model.eval()
    with torch.inference_mode():
        probabilities = model(images).softmax(dim=1)
    return torch.max(probabilities), torch.argmax(probabilities)


@makes("predict", "minimum")
def predict_minimum(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).softmax(dim=1).min(dim=1)


@makes("predict", "all probabilities")
def predict_all_probabilities(model, images):
    model.eval()
    with torch.inference_mode():
        probabilities = model(images).softmax(dim=1)
        return probabilities, probabilities.argmax(dim=1)


@makes("predict", "keepdim")
def predict_keepdim(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).softmax(dim=1).topk(1, dim=1)


@makes("predict", "first picture only")
def predict_first_picture(model, images):
    model.eval()
    with torch.inference_mode():
        probabilities = model(images[0].unsqueeze(0)).softmax(dim=1)
        return probabilities.max(dim=1)


@makes("predict", "squeezed")
def predict_squeezed(model, images):
    model.eval()
    with torch.inference_mode():
        values, indices = model(images).softmax(dim=1).max(dim=1, keepdim=True)
        return values.squeeze(), indices.squeeze()


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    my_resnet = ResNet34((1,), (8,), (1,), 1000)


@makes("predict", "another model than the argument")
def predict_with_my_resnet(model, images):
    my_resnet.eval()
    with torch.inference_mode():
        probabilities = torch.softmax(my_resnet(images), dim=1)
    return probabilities.max(dim=1)


@makes("predict", "lists")
def predict_into_lists(model, images):
    model.eval()
    probabilities, classes = [], []
    with torch.inference_mode():
        for image in images:
            probability, index = model(image.unsqueeze(0)).softmax(dim=1).max(dim=1)
            probabilities.append(probability)
            classes.append(index)
    return probabilities, classes


@makes("predict", "classes only")
def predict_classes(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).argmax(dim=1)


@makes("predict", "probabilities only")
def predict_probabilities(model, images):
    model.eval()
    with torch.inference_mode():
        return model(images).softmax(dim=1).max(dim=1).values


@makes("predict", "nothing returned")
def predict_nothing(model, images):
    model.eval()
    with torch.inference_mode():
        model(images).softmax(dim=1).max(dim=1)


@makes("predict", "classes counted from 1")
def predict_from_1(model, images):
    model.eval()
    with torch.inference_mode():
        values, indices = model(images).softmax(dim=1).max(dim=1)
    return values, indices + 1


@makes("predict", "eval mode forgotten")
def predict_in_any_mode(model, images):
    with torch.inference_mode():
        return model(images).softmax(dim=1).max(dim=1)


@makes("predict", "train mode")
def predict_in_train_mode(model, images):
    model.train()
    with torch.inference_mode():
        result = model(images).softmax(dim=1).max(dim=1)
    return result


@makes("predict", "only the outermost module in eval mode")
def predict_in_outer_eval_mode(model, images):
    model.training = False
    with torch.inference_mode():
        return model(images).softmax(dim=1).max(dim=1)


@makes("predict", "train mode afterwards")
def predict_and_train(model, images):
    model.eval()
    with torch.inference_mode():
        result = model(images).softmax(dim=1).max(dim=1)
    model.train()
    return result


@makes("predict", "gradients recorded")
def predict_with_gradients(model, images):
    model.eval()
    torch.no_grad()
    return model(images).softmax(dim=1).max(dim=1)


@makes("predict", "detached afterwards")
def predict_detached(model, images):
    model.eval()
    logits = model(images)
    with torch.inference_mode():
        return logits.softmax(dim=1).max(dim=1)
