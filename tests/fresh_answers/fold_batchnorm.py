# By whoever wrote the check, after it, looking for what its catalogue had not thought of.

### RIGHT PyTorch's own weights
def fold_batchnorm(conv, norm):
    from torch.nn.utils.fusion import fuse_conv_bn_weights

    weight, bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
    )
    folded.weight, folded.bias = weight, bias
    return folded


### RIGHT with deepcopies and eval on them
def fold_batchnorm(conv, norm):
    import copy

    norm = copy.deepcopy(norm).eval()
    c = conv.out_channels
    like = {"dtype": conv.weight.dtype, "device": conv.weight.device}
    shift = norm(torch.zeros(1, c, 1, 1, **like)).detach().view(c)
    scale = norm(torch.ones(1, c, 1, 1, **like)).detach().view(c) - shift
    folded = nn.Conv2d(
        conv.in_channels, c, conv.kernel_size, conv.stride, conv.padding, conv.dilation,
        conv.groups, **like,
    )
    folded.weight.data = conv.weight.data * scale.view(c, 1, 1, 1)
    old = torch.zeros(c, **like) if conv.bias is None else conv.bias.data
    folded.bias.data = old * scale + shift
    return folded


### RIGHT a subclass of nn.Conv2d
def fold_batchnorm(conv, norm):
    class Folded(nn.Conv2d):
        """A convolution that has swallowed a batchnorm."""

    with torch.no_grad():
        folded = Folded(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            stride=conv.stride,
            padding=conv.padding,
            dilation=conv.dilation,
            groups=conv.groups,
        ).to(conv.weight)
        inv = 1 / (norm.running_var + norm.eps).sqrt()
        inv = inv if norm.weight is None else inv * norm.weight
        folded.weight[:] = torch.stack([w * s for w, s in zip(conv.weight, inv)])
        folded.bias[:] = 0 if conv.bias is None else conv.bias
        folded.bias -= norm.running_mean
        folded.bias *= inv
        folded.bias += 0 if norm.bias is None else norm.bias
    return folded.train(conv.training)


### WRONG fuse_conv_bn_eval of a copy, which keeps the course's class
def fold_batchnorm(conv, norm):
    import copy

    from torch.nn.utils.fusion import fuse_conv_bn_eval

    return fuse_conv_bn_eval(copy.deepcopy(conv).eval(), copy.deepcopy(norm).eval())


### WRONG groups passed where dilation stands
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG stride and padding swapped
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.padding, conv.stride,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG channels swapped
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.out_channels, conv.in_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG bias never set
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    return folded


### WRONG the variance not rooted in the bias only
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * w / (norm.running_var + norm.eps))
    return folded


### WRONG a Sequential of the new convolution
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return nn.Sequential(folded)


### WRONG norm's weight scaled in place
def fold_batchnorm(conv, norm):
    with torch.no_grad():
        if norm.weight is None:
            scale = torch.ones_like(norm.running_var)
        else:
            scale = norm.weight
        scale /= torch.sqrt(norm.running_var + norm.eps)
        b = 0 if norm.bias is None else norm.bias
        c = 0 if conv.bias is None else conv.bias
        folded = nn.Conv2d(
            conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
            conv.dilation, conv.groups,
        )
        folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
        folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG eps outside, after the reciprocal root
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w * torch.rsqrt(norm.running_var) + norm.eps
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG the scale at the end of the weight's axes
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(1, 1, -1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG a function that does both
def fold_batchnorm(conv, norm):
    return lambda x: norm(conv(x))


### WRONG a Sequential of both
def fold_batchnorm(conv, norm):
    return nn.Sequential(conv, norm)


### WRONG two arguments the other way round
def fold_batchnorm(norm, conv):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded


### WRONG the course's Conv2d with a bias
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    scale = w / torch.sqrt(norm.running_var + norm.eps)
    folded = Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b - norm.running_mean * scale)
    return folded


### WRONG num_features in place of the statistics
def fold_batchnorm(conv, norm):
    w = 1 if norm.weight is None else norm.weight
    b = 0 if norm.bias is None else norm.bias
    c = 0 if conv.bias is None else conv.bias
    scale = w / torch.sqrt(norm.running_var / (1 - norm.momentum) + norm.eps)
    folded = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding,
        conv.dilation, conv.groups,
    )
    folded.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1))
    folded.bias = nn.Parameter(b + (c - norm.running_mean) * scale)
    return folded
