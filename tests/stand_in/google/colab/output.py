"""Widgets that are not built into Colab."""

from google.colab import calls


def enable_custom_widget_manager() -> None:
    calls.append(("enable_custom_widget_manager",))
