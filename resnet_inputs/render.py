"""Draw the two course pictures that belong to no ImageNet class.

    python resnet_inputs/render.py

rewrites, beside this script, `fireworks.jpg` (a long exposure of sparks over a lake at night) and
`goofy.jpg` (a silly cartoon face). The sparks are seeded: every run writes the same bytes.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HERE = Path(__file__).parent
SIZE = 512  # side of both pictures, in pixels
SCALE = 3  # both are drawn this many times larger, then shrunk, for smooth edges


def save(image: Image.Image, name: str) -> None:
    """Shrink the picture to its final size and write it beside this script."""
    image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(
        HERE / name, quality=90, optimize=True
    )


# ------------------------------------------------------------------------- fireworks
# Positions are in units of the picture's side: x to the right, y down.

SHORE = 0.80
GOLD, PINK, BLUE, GREEN = (1, 0.45, 0.08), (1, 0.1, 0.3), (0.14, 0.35, 1), (0.12, 0.9, 0.3)


def add_light(light: np.ndarray, x: np.ndarray, y: np.ndarray, color: np.ndarray) -> None:
    """Add coloured points to `light`, each shared among the four pixels around it."""
    side = len(light)
    x, y = x * side, y * side
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for col, row in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
        share = (1 - abs(x - col)) * (1 - abs(y - row))
        seen = (col >= 0) & (col < side) & (row >= 0) & (row < SHORE * side)
        np.add.at(light, (row[seen], col[seen]), (color * share[..., None])[seen])


def add_shell(light, rng, foot, center, radius, color, sparks, fall) -> None:
    """A rocket's rising trail, and the sparks of its burst: slowed by the air, falling, fading."""
    steps = 700  # moments of the exposure
    t = np.linspace(0, 1, 4 * steps)
    x = foot + (center[0] - foot) * t + 0.004 * np.sin(5 * t) + rng.normal(0, 6e-4, t.size)
    y = SHORE + (center[1] - SHORE) * t
    add_light(light, x, y, 0.25 * t[:, None] ** 2 * np.array([1, 0.65, 0.35]))

    direction = rng.normal(size=(sparks, 1, 3))  # a ball of directions, seen from one side
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    speed = radius * rng.uniform(0.85, 1, (sparks, 1))
    burn = rng.uniform(0.6, 1, (sparks, 1))  # how long each spark burns
    age = np.linspace(0.04, 1, steps)
    flown = 1 - np.exp(-3 * age * burn)
    x = center[0] + direction[..., 0] * speed * flown
    y = center[1] + direction[..., 1] * speed * flown + fall * (age * burn) ** 2
    flicker = np.where(age > 0.7, rng.random((sparks, steps)) < 0.3, 1)  # the ends crackle
    glow = (1 - age**2) * flicker * rng.uniform(0.4, 1, (sparks, 1)) * 1400 * radius / steps
    heat = np.exp(-4 * age)[:, None]  # white-hot at first, then the shell's own colour
    tint = heat * np.array([1, 0.85, 0.65]) + (1 - heat) * np.array(color)
    add_light(light, x, y, glow[..., None] * tint)


def blur(light: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur, by multiplying the spectrum."""
    side = len(light)
    keep = np.exp(-2 * (np.pi * radius * np.fft.fftfreq(side)) ** 2)
    spectrum = np.fft.fft2(light, axes=(0, 1)) * (keep[:, None] * keep)[..., None]
    return np.fft.ifft2(spectrum, axes=(0, 1)).real.clip(0)


def draw_fireworks() -> Image.Image:
    """Four shells over a lake; light adds up, and the exposure then squeezes it into 0 to 255."""
    rng = np.random.default_rng(2015)
    side = SIZE * SCALE
    sparks = np.zeros((side, side, 3))
    add_shell(sparks, rng, 0.50, (0.47, 0.32), 0.33, GOLD, 230, fall=0.22)
    add_shell(sparks, rng, 0.42, (0.17, 0.22), 0.18, PINK, 110, fall=0.08)
    add_shell(sparks, rng, 0.58, (0.82, 0.20), 0.20, BLUE, 120, fall=0.08)
    add_shell(sparks, rng, 0.55, (0.74, 0.53), 0.13, GREEN, 80, fall=0.06)
    light = blur(sparks, 1.2) * 2.2 + blur(sparks, 8) * 0.6 + blur(sparks, 70) * 0.9

    shore = int(SHORE * side)
    y = np.arange(side)[:, None, None] / side
    sky = np.array([0.002, 0.003, 0.012]) + np.array([0.010, 0.007, 0.024]) * (y / SHORE) ** 2
    scene = light + sky

    x = np.arange(side)  # hills, black against the sky, with a few lit windows at their foot
    ridge = 0.045 + 0.02 * np.sin(x / side * 9) + 0.012 * np.sin(x / side * 23 + 1)
    scene[:shore][y[:shore, :, 0] > SHORE - ridge] = 0.001
    for col, row in zip(rng.uniform(0, 1, 45), SHORE - rng.uniform(0.003, 0.018, 45), strict=True):
        top, left = int(row * side), int(col * side)
        scene[top : top + 4, left : left + 4] = rng.uniform(0.2, 1.2) * np.array([1, 0.7, 0.3])

    depth = np.arange(1, side - shore + 1)[:, None]  # the lake: a mirror with ripples, smeared
    wave = np.sin(depth**0.75 * 1.1 + 3 * np.sin(x / side * 7)) + rng.normal(0, 0.5, depth.shape)
    mirror = (shore - 2.2 * depth + wave * depth * 0.10).astype(int).clip(0, shore - 1)
    drift = (x + wave * 5).astype(int).clip(0, side - 1)
    soft = 0.5 * blur(scene, 5) + 0.5 * blur(scene, 14)
    scene[shore:] = soft[mirror, drift] * 0.65 + np.array([0.001, 0.002, 0.006])

    exposed = (1 - np.exp(-1.6 * scene)) ** (1 / 2.2)
    return Image.fromarray((exposed * 255).round().astype(np.uint8))


# ----------------------------------------------------------------------------- goofy
# Positions are in pixels of the finished picture.

INK = "#3b2140"


class Pen:
    """Filled shapes and dark lines with round ends, on a canvas SCALE times the picture's size."""

    def __init__(self, background: str):
        self.image = Image.new("RGB", (SIZE * SCALE, SIZE * SCALE), background)
        self.draw = ImageDraw.Draw(self.image)

    def shape(self, points: np.ndarray, fill: str, outline: float = 6) -> None:
        self.draw.polygon([tuple(point) for point in points * SCALE], fill=fill)
        if outline:
            self.line(np.vstack([points, points[:1]]), outline)

    def line(self, points: np.ndarray, width: float, color: str = INK) -> None:
        for x, y in smooth(points) * SCALE:  # a row of overlapping dots: round joins and ends
            r = width * SCALE / 2
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=color)


def smooth(points: np.ndarray, spacing: float = 0.7) -> np.ndarray:
    """The same line with points at most `spacing` pixels apart."""
    length = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    at = np.linspace(0, length[-1], int(length[-1] / spacing) + 2)
    return np.stack([np.interp(at, length, points[:, i]) for i in (0, 1)], axis=1)


def oval(x, y, rx, ry, tilt=0.0, start=0.0, stop=360.0) -> np.ndarray:
    """Points of an ellipse, or of the arc from `start` to `stop` degrees (clockwise from right)."""
    a, tilt = np.radians(np.linspace(start, stop, 181)), np.radians(tilt)
    u, v = rx * np.cos(a), ry * np.sin(a)
    return np.stack(
        [x + u * np.cos(tilt) - v * np.sin(tilt), y + u * np.sin(tilt) + v * np.cos(tilt)], axis=1
    )


def draw_goofy() -> Image.Image:
    """A silly face, painted from the back to the front."""
    pen = Pen("#ffd76a")
    for k in range(0, 24, 2):  # sun rays behind the head
        a = np.radians([15 * k, 15 * k + 15])
        rim = np.stack([256 + 400 * np.cos(a), 290 + 400 * np.sin(a)], axis=1)
        pen.shape(np.vstack([[[256, 290]], rim]), "#ffc94a", outline=0)

    for lean, tall in ((-30, 66), (-10, 92), (11, 76), (32, 54)):  # a tuft of hair
        a = np.radians(lean - 90)
        tip = np.array([256 + np.cos(a) * (120 + tall), 230 + np.sin(a) * (120 + tall)])
        foot = 256 + lean * 1.5
        pen.shape(np.array([[foot - 20, 134], tip, [foot + 20, 134]]), "#f0653f")
        pen.shape(oval(*tip, 13, 13), "#ffe9a8")
    for sign in (-1, 1):  # ears that stick out
        pen.shape(oval(256 + sign * 182, 268, 44, 58, sign * 18), "#5fc9b4")
        pen.shape(oval(256 + sign * 186, 270, 22, 34, sign * 18), "#f59aa5", outline=0)
    a = np.radians(np.arange(360))  # the head: a rounded egg
    head = np.stack([256 + 172 * np.cos(a) * (1 + 0.06 * np.sin(a)), 290 + 178 * np.sin(a)], axis=1)
    pen.shape(head, "#74dcc6")
    for x, y in ((112, 290), (132, 300), (114, 310), (400, 290), (380, 300), (398, 310)):
        pen.shape(oval(x, y, 6, 5), "#45ad98", outline=0)  # freckles

    mouth = np.vstack([oval(256, 318, 120, 26, 0, 180, 0), oval(256, 322, 120, 116, 0, 0, 180)])
    pen.shape(mouth, "#7b1e3c", outline=7)
    pen.shape(oval(300, 428, 46, 52, -12), "#ff7f92")  # the tongue hangs out
    pen.line(np.array([[297, 396], [304, 440]]), 4, "#d9536b")
    for left, top, width, tall in ((208, 342, 42, 46), (256, 343, 46, 38)):  # two odd teeth
        corners = np.array([[0, 0], [1, 0], [0.94, 1], [0.08, 0.96]])
        pen.shape(corners * [width, tall] + [left, top], "#fffdf2", outline=5)
    for sign in (-1, 1):  # dimples
        pen.line(oval(256 + sign * 118, 320, sign * 16, 24, 0, -70, 60), 7)

    pen.shape(oval(194, 220, 60, 66, -8), "#ffffff")  # eyes that do not agree
    pen.shape(oval(312, 228, 47, 50, 10), "#ffffff")
    for x, y, r in ((216, 242, 24), (298, 210, 18)):
        pen.shape(oval(x, y, r, r), INK, outline=0)
        pen.shape(oval(x - r * 0.3, y - r * 0.35, r * 0.34, r * 0.34), "#ffffff", outline=0)
    pen.line(np.array([[176, 150], [199, 136], [231, 139]]), 13)
    pen.line(np.array([[290, 156], [320, 148], [348, 164]]), 13)
    pen.shape(oval(256, 292, 50, 38), "#ff9a3d")  # a big round nose
    pen.shape(oval(240, 278, 14, 8, -25), "#ffd3a1", outline=0)
    return pen.image


if __name__ == "__main__":
    save(draw_fireworks(), "fireworks.jpg")
    save(draw_goofy(), "goofy.jpg")
