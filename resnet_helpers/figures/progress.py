"""A picture that grows while something is computed, under a progress bar."""

from html import escape

from resnet_helpers.figures.style import Picture


class Progress:
    """A progress bar, and the picture as far as it is drawn."""

    def __init__(self, step: int, n_steps: int, picture: Picture):
        self.step, self.n_steps, self.picture = step, n_steps, picture

    def __repr__(self) -> str:
        return f"step {self.step} of {self.n_steps}"

    def _repr_html_(self) -> str:
        return (
            f'<progress value="{self.step}" max="{self.n_steps}" style="width: 60%"></progress> '
            f"{escape(repr(self))}<br>{self.picture.html()}"
        )
