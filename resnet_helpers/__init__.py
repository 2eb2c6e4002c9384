"""The companion package of "ResNets from scratch".

Nothing is imported here on purpose: a lesson imports the one part it needs (say
`resnet_helpers.layers`) and does not pay for the others.
"""
