"""predict as learners write them, right and wrong."""

import torch
import torch.nn.functional as F
from torch import nn

from resnet_helpers.solutions import ResNet34
from wrong import makes, solves

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
