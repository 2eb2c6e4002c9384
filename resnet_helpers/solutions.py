"""The reference answers, one class or function an exercise, in the order of the lessons.

Whatever stands between the SOLUTION markers is what a learner writes: `build_notebooks.py`
replaces it by `raise NotImplementedError()` in the learner's notebook.
"""

import statistics
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from types import MethodType

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from resnet_helpers.layers import Conv2d, Linear, MaxPool2d, ReLU, Sequential


class NamedSequential(Sequential):
    """A Sequential that also accepts one OrderedDict, whose keys become the modules' names.

    NamedSequential(a, b) names its modules "0" and "1", as Sequential does;
    NamedSequential(OrderedDict(first=a, second=b)) names them "first" and "second". Anything else
    than one OrderedDict by itself is modules, and there may be none.
    """

    def __init__(self, *modules: nn.Module | OrderedDict[str, nn.Module]):
        super().__init__()
        ### BEGIN SOLUTION
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named_modules = modules[0].items()
        else:
            named_modules = ((str(index), module) for index, module in enumerate(modules))
        for name, module in named_modules:
            self.add_module(name, module)
        ### END SOLUTION


class BatchNorm2d(nn.Module):
    """Batch normalisation of images, like nn.BatchNorm2d (Ioffe & Szegedy 2015)."""

    def __init__(self, num_features: int, eps=1e-05, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise each channel, then multiply by weight and add bias.

        Train mode: with the batch's mean and (biased) variance; and move running_mean and
        running_var (unbiased) a step towards them. Eval mode: with the running ones.
        Raises ValueError, before any buffer changes: one value per channel in train mode.
        """
        ### BEGIN SOLUTION
        if self.training:
            values_per_channel = x.numel() // self.num_features
            if values_per_channel == 1:
                raise ValueError("batchnorm needs more than 1 value per channel when training")
            mean = x.mean(dim=(0, 2, 3))
            var = x.var(dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():  # the running statistics must not remember the graph
                unbiased_var = var * values_per_channel / (values_per_channel - 1)
                m = self.momentum
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * unbiased_var
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var

        per_channel = (1, self.num_features, 1, 1)  # broadcasts over batch, height and width
        x_hat = (x - mean.view(per_channel)) / torch.sqrt(var.view(per_channel) + self.eps)
        return x_hat * self.weight.view(per_channel) + self.bias.view(per_channel)
        ### END SOLUTION

    def extra_repr(self) -> str:
        """num_features, eps and momentum, as print(module) shows them between the brackets."""
        ### BEGIN SOLUTION
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
        ### END SOLUTION


class AveragePool(nn.Module):
    """The mean over both spatial axes, so that images of any size end as one vector each."""

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels"]:
        ### BEGIN SOLUTION
        return x.mean(dim=(2, 3))
        ### END SOLUTION


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a way around them: ReLU(left(x) + right(x)) (He et al. 2015).

    The left branch is convolution, batchnorm, ReLU, convolution, batchnorm; the first convolution
    takes in_feats to out_feats with stride first_stride. The right branch is the identity if
    first_stride is 1 and in_feats equals out_feats, else a 1x1 convolution (stride first_stride,
    no padding) and batchnorm. Each branch is a Sequential, the left one declared first; of the
    identity any way of writing it will do. The weights start as the layers make them.
    """

    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        ### BEGIN SOLUTION
        self.left = Sequential(
            Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1),
            BatchNorm2d(out_feats),
            ReLU(),
            Conv2d(out_feats, out_feats, kernel_size=3, padding=1),
            BatchNorm2d(out_feats),
        )
        if first_stride == 1 and in_feats == out_feats:
            self.right = nn.Identity()
        else:
            self.right = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        self.relu = ReLU()
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "batch in_feats height width"]
    ) -> Float[Tensor, "batch out_feats out_height out_width"]:
        """out_height and out_width are height and width divided by first_stride, rounded up."""
        ### BEGIN SOLUTION
        return self.relu(self.left(x) + self.right(x))
        ### END SOLUTION


class BlockGroup(nn.Module):
    """n_blocks ResidualBlocks in a row; only the first has first_stride and changes the channels.

    Shape: (batch, in_feats, height, width) -> (batch, out_feats, out_height, out_width).
    """

    def __init__(self, n_blocks: int, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        ### BEGIN SOLUTION
        self.blocks = Sequential(
            ResidualBlock(in_feats, out_feats, first_stride),
            *(ResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)),
        )
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "batch in_feats height width"]
    ) -> Float[Tensor, "batch out_feats out_height out_width"]:
        ### BEGIN SOLUTION
        return self.blocks(x)
        ### END SOLUTION


class ResNet34(nn.Module):
    """The 34-layer residual network of He et al. 2015, laid out in torchvision's order.

    Stem: 7x7 convolution (3 -> 64 channels, stride 2, padding 3), batchnorm, ReLU, 3x3 max pool
    (stride 2, padding 1). Then one BlockGroup for each entry of the three sequences, AveragePool,
    and a Linear layer to n_classes.
    """

    def __init__(
        self,
        n_blocks_per_group: Sequence[int] = (3, 4, 6, 3),
        out_features_per_group: Sequence[int] = (64, 128, 256, 512),
        first_strides_per_group: Sequence[int] = (1, 2, 2, 2),
        n_classes=1000,
    ):
        super().__init__()
        ### BEGIN SOLUTION
        stem_feats = 64
        self.in_layers = Sequential(
            Conv2d(3, stem_feats, kernel_size=7, stride=2, padding=3),
            BatchNorm2d(stem_feats),
            ReLU(),
            MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        in_features_per_group = (stem_feats, *out_features_per_group[:-1])
        group_settings = zip(
            n_blocks_per_group,
            in_features_per_group,
            out_features_per_group,
            first_strides_per_group,
            strict=True,
        )
        self.residual_layers = Sequential(
            *(
                BlockGroup(n_blocks, in_feats, out_feats, first_stride)
                for n_blocks, in_feats, out_feats, first_stride in group_settings
            )
        )
        self.out_layers = Sequential(AveragePool(), Linear(out_features_per_group[-1], n_classes))
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "batch rgb height width"]
    ) -> Float[Tensor, "batch n_classes"]:
        ### BEGIN SOLUTION
        return self.out_layers(self.residual_layers(self.in_layers(x)))
        ### END SOLUTION


def copy_weights(my_resnet: ResNet34, pretrained_resnet: nn.Module) -> ResNet34:
    """Copy every parameter and buffer of pretrained_resnet into my_resnet, and return my_resnet.

    The two state dicts name their entries differently but hold them in the same order, so the
    first goes to the first, and so on. The values are copied, and no tensor is shared afterwards.
    Raises an error of any kind, before anything is changed, if one has more entries.
    """
    ### BEGIN SOLUTION
    my_entries = my_resnet.state_dict()
    pretrained_entries = pretrained_resnet.state_dict()
    assert len(my_entries) == len(pretrained_entries), (
        f"{len(my_entries)} entries in mine, {len(pretrained_entries)} in the pretrained one"
    )
    my_resnet.load_state_dict(
        dict(zip(my_entries.keys(), pretrained_entries.values(), strict=True))
    )
    return my_resnet
    ### END SOLUTION


def predict(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"]
) -> tuple[Float[Tensor, "batch"], Int[Tensor, "batch"]]:
    """The model's best guess for each image: its probability and its class index.

    Runs the model in eval mode, and may leave it so, and under torch.inference_mode().
    """
    ### BEGIN SOLUTION
    model.eval()
    with torch.inference_mode():
        probabilities = model(images).softmax(dim=1)
        return probabilities.max(dim=1)
    ### END SOLUTION


class NamedResidualBlock(nn.Module):
    """ResidualBlock with the attribute names of torchvision's BasicBlock.

    The left branch is conv1, bn1, relu, conv2, bn2; the right one is downsample, which torchvision
    leaves None where the identity will do (nn.Identity is as good).
    """

    def __init__(self, in_feats: int, out_feats: int, first_stride=1):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = Conv2d(in_feats, out_feats, kernel_size=3, stride=first_stride, padding=1)
        self.bn1 = BatchNorm2d(out_feats)
        self.relu = ReLU()
        self.conv2 = Conv2d(out_feats, out_feats, kernel_size=3, padding=1)
        self.bn2 = BatchNorm2d(out_feats)
        self.downsample = None
        if first_stride != 1 or in_feats != out_feats:
            self.downsample = Sequential(
                Conv2d(in_feats, out_feats, kernel_size=1, stride=first_stride),
                BatchNorm2d(out_feats),
            )
        ### END SOLUTION

    def forward(
        self, x: Float[Tensor, "batch in_feats height width"]
    ) -> Float[Tensor, "batch out_feats out_height out_width"]:
        ### BEGIN SOLUTION
        left = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        right = x if self.downsample is None else self.downsample(x)
        return self.relu(left + right)
        ### END SOLUTION


def named_resnet34() -> NamedSequential:
    """A ResNet34 for 1000 classes whose state dict has exactly torchvision's names.

    They are conv1, bn1, relu, maxpool, layer1 to layer4, avgpool and fc.
    """
    ### BEGIN SOLUTION

    def layer(n_blocks: int, in_feats: int, out_feats: int, first_stride: int) -> Sequential:
        return Sequential(
            NamedResidualBlock(in_feats, out_feats, first_stride),
            *(NamedResidualBlock(out_feats, out_feats) for _ in range(n_blocks - 1)),
        )

    return NamedSequential(
        OrderedDict(
            conv1=Conv2d(3, 64, kernel_size=7, stride=2, padding=3),
            bn1=BatchNorm2d(64),
            relu=ReLU(),
            maxpool=MaxPool2d(kernel_size=3, stride=2, padding=1),
            layer1=layer(3, 64, 64, first_stride=1),
            layer2=layer(4, 64, 128, first_stride=2),
            layer3=layer(6, 128, 256, first_stride=2),
            layer4=layer(3, 256, 512, first_stride=2),
            avgpool=AveragePool(),
            fc=Linear(512, 1000),
        )
    )
    ### END SOLUTION


class NanModule(nn.Module):
    """NaN everywhere, in x's shape and dtype, while x stays as it is: a bug to go hunting for."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        ### BEGIN SOLUTION
        return torch.full_like(x, torch.nan)
        ### END SOLUTION


def hook_check_for_nan_output(module: nn.Module, inputs: tuple, output: object) -> None:
    """A forward hook: raise a ValueError that names the module if its output holds a NaN.

    The output is a tensor, or a tuple or list of which any entry may be a tensor; tuples in tuples
    need not be searched. A hook that returns something replaces the output by it, so this one
    returns nothing.
    """
    ### BEGIN SOLUTION
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    for tensor in outputs:
        if isinstance(tensor, Tensor) and tensor.isnan().any():
            raise ValueError(f"NaN in the output of {module}")
    ### END SOLUTION


handles: dict[nn.Module, RemovableHandle] = {}  # which module has our hook, and how to remove it


def add_hook(module: nn.Module) -> None:
    """Register hook_check_for_nan_output on this one module, and keep its handle in `handles`.

    For a whole model: model.apply(add_hook). A module that has the hook already gets no second.
    """
    ### BEGIN SOLUTION
    if module not in handles:
        handles[module] = module.register_forward_hook(hook_check_for_nan_output)
    ### END SOLUTION


def remove_hooks(module: nn.Module) -> None:
    """Take the hook that add_hook registered off this one module, by its handle in `handles`.

    For a whole model: model.apply(remove_hooks). A module without one is left as it is.
    """
    ### BEGIN SOLUTION
    if module in handles:
        handles.pop(module).remove()
    ### END SOLUTION


def first_divergence(
    mine: nn.Module, reference: nn.Module, x: Float[Tensor, "batch ..."], tolerance=1e-4
) -> tuple[str, str] | None:
    """Where two models that should agree part: the first pair of modules with unlike outputs.

    Both models run on x, each in the mode it is in. The modules that have no children are paired
    in the order in which they run, whatever their names; nn.Identity, which does nothing, is left
    out. Two outputs are unlike if they hold different numbers of values, or if any value differs
    by more than tolerance or is NaN in one of them; equal infinities are alike. Every output is a
    tensor. Axes of size 1 make no difference, nor do
    modules that are left over at the end, for want of a partner.

    Returns the two modules' names, as named_modules() gives them in mine and in reference; None
    if no pair differs. No hook stays behind, even if a model raises.
    """

    ### BEGIN SOLUTION
    def outputs_in_order(model: nn.Module) -> list[tuple[str, Float[Tensor, "values"]]]:
        names = {module: name for name, module in model.named_modules()}
        outputs = []

        def record(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            # a copy, since an in-place ReLU may come next and change the output itself
            outputs.append((names[module], output.flatten().clone()))

        leaves = [module for module in names if not list(module.children())]
        handles = [
            leaf.register_forward_hook(record)
            for leaf in leaves
            if not isinstance(leaf, nn.Identity)
        ]
        try:
            with torch.no_grad():
                model(x)
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    pairs = zip(outputs_in_order(mine), outputs_in_order(reference), strict=False)
    for (my_name, my_output), (name, output) in pairs:
        if len(my_output) != len(output):
            return my_name, name
        if not torch.allclose(my_output, output, rtol=0, atol=tolerance):
            return my_name, name
    return None
    ### END SOLUTION


def diagnoses() -> dict[int, tuple[str, str]]:
    """What is wrong with broken networks 1 to 5: the module's name, and the mistake in words."""
    ### BEGIN SOLUTION
    return {
        1: ("residual_layers.2.blocks.3.left.3", "its weights were not copied"),
        2: ("residual_layers.3.blocks.0.left.0", "the strides of both convolutions are swapped"),
        3: ("residual_layers.1.blocks.2.left", "there is no ReLU in it"),
        4: ("residual_layers.2.blocks.0.right.1", "it uses the batch's statistics in eval mode"),
        5: ("residual_layers.1.blocks.3.left.1", "eps is 0, and so is one running variance"),
    }
    ### END SOLUTION


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Float[Tensor, "batch rgb h w"],
    labels: Int[Tensor, "batch"],
) -> float:
    """One step of training on one batch: the optimizer moves the model's weights once.

    The model goes into train mode, and may stay there. The loss is the cross-entropy of the
    model's outputs, which are logits, averaged over the batch. Its gradients are this batch's
    alone, whatever was left from before. Returns the loss that they belong to (so: from before the
    step) as a Python number.
    """
    ### BEGIN SOLUTION
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    return loss.item()  # the tensor would keep the whole graph
    ### END SOLUTION


def accuracy(
    model: nn.Module, images: Float[Tensor, "batch rgb h w"], labels: Int[Tensor, "batch"]
) -> float:
    """The share of the images, from 0 to 1, whose highest logit is that of their label.

    Runs the model in eval mode and without a graph, on all images at once or in batches. Nothing
    in the model changes: afterwards each of its modules is in the mode in which it was.
    """
    ### BEGIN SOLUTION
    modes = {module: module.training for module in model.modules()}
    model.eval()
    with torch.inference_mode():
        guesses = model(images).argmax(dim=1)
    for module, mode in modes.items():
        module.training = mode
    return (guesses == labels).float().mean().item()
    ### END SOLUTION


def recalibrate(model: nn.Module, batches: Iterable[Float[Tensor, "batch rgb h w"]]) -> None:
    """New running statistics for every batchnorm, the old ones forgotten (Wu & Johnson 2021).

    A batchnorm is any module with a running_mean: yours, or one of PyTorch's. Its running_mean
    and running_var become the plain averages, over the batches, of what it sees of each in train
    mode: its input's mean and its unbiased variance. (The variance of all batches pooled is as
    good.) The batches are read once. Weights, momenta and each module's mode are as before.
    """
    ### BEGIN SOLUTION
    modes = {module: module.training for module in model.modules()}
    momenta = {m: m.momentum for m in model.modules() if hasattr(m, "running_mean")}
    model.train()
    with torch.no_grad():
        for n_batches, images in enumerate(batches, start=1):
            for batchnorm in momenta:
                batchnorm.momentum = 1 / n_batches  # 1, 1/2, 1/3 ...: together a plain average
            model(images)
    for batchnorm, momentum in momenta.items():
        batchnorm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode
    ### END SOLUTION


def freeze(model: nn.Module) -> None:
    """Keep all that the model has learned, whatever training follows.

    Its parameters get no gradients any more. Its batchnorms (any module with a running_mean:
    yours, or one of PyTorch's) go into eval mode and run in it from now on, also after
    model.train(), or their statistics would drift. What is put into the model afterwards, say a
    new last layer, trains as usual. A deepcopy is as frozen as the model, and the state dict keeps
    its names.
    """

    ### BEGIN SOLUTION
    def stay_in_eval_mode(batchnorm: nn.Module, mode=True) -> nn.Module:
        return batchnorm

    for module in model.modules():
        if hasattr(module, "running_mean"):
            module.eval()
            # model.train() calls train() of every module; bound, so that a deepcopy has its own
            module.train = MethodType(stay_in_eval_mode, module)
    model.requires_grad_(False)
    ### END SOLUTION


def ratio(
    job: Callable[[], object],
    baseline: Callable[[], object],
    rounds=9,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """How long job takes, as a multiple of baseline's time: 0.5 is twice as fast.

    Each is called once without being timed, to warm up. Then, in each of `rounds` rounds (an odd
    number), both are called and timed, one right after the other. Each round gives one ratio, and
    the median of these is returned.

    clock() gives seconds, counted from anywhere. A job on a GPU must itself wait for its result.
    """
    ### BEGIN SOLUTION

    def seconds(function: Callable[[], object]) -> float:
        start = clock()
        function()
        return clock() - start

    job()
    baseline()
    return statistics.median(seconds(job) / seconds(baseline) for _ in range(rounds))
    ### END SOLUTION


class FusedBatchNorm2d(BatchNorm2d):
    """BatchNorm2d as a line, x * scale + shift: the same in every respect, and faster."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """What BatchNorm2d gives, and does to the buffers, in both modes.

        What concerns a channel alone becomes two vectors, scale and shift, first; then x is
        gone through, in one step or two. Raises ValueError as BatchNorm2d does.
        """
        ### BEGIN SOLUTION
        if self.training:
            values_per_channel = x.numel() // self.num_features
            if values_per_channel == 1:
                raise ValueError("batchnorm needs more than 1 value per channel when training")
            var, mean = torch.var_mean(x, dim=(0, 2, 3), unbiased=False)
            with torch.no_grad():
                unbiased_var = var * values_per_channel / (values_per_channel - 1)
                m = self.momentum
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * unbiased_var
                self.num_batches_tracked += 1
        else:
            mean, var = self.running_mean, self.running_var

        scale = self.weight * torch.rsqrt(var + self.eps)
        shift = self.bias - mean * scale
        per_channel = (1, self.num_features, 1, 1)
        return torch.addcmul(shift.view(per_channel), x, scale.view(per_channel))
        ### END SOLUTION


def fold_batchnorm(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    """One convolution with a bias that does what conv and then norm, in eval mode, do.

    conv is PyTorch's nn.Conv2d or the course's Conv2d, norm a BatchNorm2d of either. conv.bias may
    be None (in the course's it always is), as may both norm.weight and norm.bias (affine=False).

    Returns a new nn.Conv2d (PyTorch's, since the course's has no bias) with conv's stride, padding,
    dilation and groups, in its dtype and on its device. conv and norm stay as they are.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        scale = torch.rsqrt(norm.running_var + norm.eps)
        if norm.weight is not None:
            scale = norm.weight * scale
        bias = -norm.running_mean * scale
        if norm.bias is not None:
            bias = bias + norm.bias
        if conv.bias is not None:
            bias = bias + conv.bias * scale
        weight = conv.weight * scale.view(-1, 1, 1, 1)  # one factor for each output channel

    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        device="meta",  # no values yet: they come next
    )
    folded.weight = nn.Parameter(weight)
    folded.bias = nn.Parameter(bias)
    return folded
    ### END SOLUTION


def run_diagnoses() -> dict[int, str]:
    """What is wrong with broken runs 1 to 6: the mistake in a few words."""
    ### BEGIN SOLUTION
    return {
        1: "the gradients are never zeroed",
        2: "the labels are those of the previous batch",
        3: "after share_right the model stays in eval mode",
        4: "the learning rate is far too high, which kills the ReLUs",
        5: "the skip connections are detached",
        6: "the momentum of the batchnorms is too small",
    }
    ### END SOLUTION
