"""The lines to paste below a failed check: what of a trial's text becomes of them."""

import torch

from resnet_helpers.tests.pasting import Renamed, to_paste

NAMES = {
    "look": Renamed("mine"),
    "SMALL": torch.tensor([1.0, torch.nan, -torch.inf]),
    "helper": len,
}


def test_small_tensors_are_written_out_nan_and_infinity_by_torchs_names():
    pasted = to_paste("look(SMALL.clone())", NAMES)
    assert pasted == "mine(torch.tensor([1.0, torch.nan, -torch.inf]))"


def test_what_the_lines_import_themselves_is_no_name_of_ours():
    code = "from collections import OrderedDict; look(OrderedDict(a=1))"
    assert to_paste(code, NAMES) == ("from collections import OrderedDict\nmine(OrderedDict(a=1))")


def test_lines_that_need_a_name_of_ours_are_not_shown():
    assert to_paste("look(helper(SMALL))", NAMES) == ""
