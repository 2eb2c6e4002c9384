"""The learner's Drive. `refusal` is what mount raises; None: it is mounted."""

from pathlib import Path

from google.colab import calls

refusal: Exception | None = None


def mount(mountpoint: str, force_remount=False, timeout_ms=120000, readonly=False) -> None:
    calls.append(("mount", mountpoint))
    if refusal:
        raise refusal
    (Path(mountpoint) / "MyDrive").mkdir(parents=True, exist_ok=True)
    print(f"Mounted at {mountpoint}")
