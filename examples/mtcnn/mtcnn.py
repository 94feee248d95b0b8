"""Find faces with the three nets of MTCNN, through `import caffe`.

    python mtcnn.py FOLDER IMAGE

FOLDER holds det1, det2 and det3, each as .prototxt and .caffemodel. The first net looks at the
whole image at many scales, each time reshaped to it; the others look closer at what it found.

Source: Zhang et al., "Joint face detection and alignment using multitask cascaded convolutional
networks", 2016.
"""

from __future__ import annotations

import sys
from pathlib import Path

import caffe
import numpy as np

CELL, STRIDE = 12, 2  # pixels that the first net sees at once, and from one place to the next
FACTOR = 0.709  # from scale to scale: half the area
THRESHOLDS = (0.6, 0.7, 0.7)


class Mtcnn:
    """The three nets.

    Args:
        folder: Where their files are.
        smallest: Pixels across the smallest face to look for.
    """

    def __init__(self, folder: str | Path, smallest: int = 20):
        self.nets = [
            caffe.Net(f"{folder}/{name}.prototxt", f"{folder}/{name}.caffemodel", caffe.TEST)
            for name in ("det1", "det2", "det3")
        ]
        self.smallest = smallest

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the faces in an image ``(height, width, 3)`` of red, green and blue, 0 to 255.

        Returns:
            Boxes ``(n, 5)``: left, top, right, bottom, probability; and five points on each face
            ``(n, 5, 2)``, x and y: eyes, nose, corners of the mouth.
        """
        boxes = self._propose(image)
        boxes, _ = self._look_closer(image, boxes, self.nets[1], 24, "conv5-2", THRESHOLDS[1])
        return self._look_closer(image, boxes, self.nets[2], 48, "conv6-2", THRESHOLDS[2])

    def _propose(self, image: np.ndarray) -> np.ndarray:
        net, found = self.nets[0], []
        scale = CELL / self.smallest
        while min(image.shape[:2]) * scale >= CELL:
            dims = [int(np.ceil(length * scale)) for length in image.shape[:2]]
            data = as_input(caffe.io.resize_image(image, dims))
            net.blobs["data"].reshape(1, *data.shape)
            outputs = net.forward(data=data[np.newaxis])
            boxes, moves = cells(outputs["prob1"][0, 1], outputs["conv4-2"][0], scale)
            kept = suppress(boxes, 0.5)
            found.append(move(boxes[kept], moves[kept]))
            scale *= FACTOR
        boxes = np.concatenate(found)
        return square(boxes[suppress(boxes, 0.7)])

    def _look_closer(
        self,
        image: np.ndarray,
        boxes: np.ndarray,
        net: caffe.Net,
        size: int,
        moves: str,
        threshold: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        if not len(boxes):
            return boxes, np.zeros((0, 5, 2))
        net.blobs["data"].reshape(len(boxes), 3, size, size)
        outputs = net.forward(data=np.stack([as_input(cut(image, box, size)) for box in boxes]))
        sure = outputs["prob1"][:, 1] > threshold
        boxes = np.column_stack([boxes[sure, :4], outputs["prob1"][sure, 1]])
        points = places(boxes, outputs["conv6-3"][sure]) if "conv6-3" in outputs else boxes
        boxes = move(boxes, outputs[moves][sure])
        last = "conv6-3" in outputs
        kept = suppress(boxes, 0.7, of_smaller=last)
        return (boxes if last else square(boxes))[kept], points[kept]


def as_input(image: np.ndarray) -> np.ndarray:
    """Return an image as these nets take it: ``(3, width, height)``, from -1 to 1.

    They were trained in MATLAB, which stores images column by column.
    """
    return (image.transpose(2, 1, 0) - 127.5) / 128


def cells(
    probability: np.ndarray, moves: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes of the places ``(x, y)`` where a face is likely, and how to move them."""
    x, y = np.nonzero(probability >= THRESHOLDS[0])
    corner = np.stack([x, y], axis=1) * STRIDE + 1
    boxes = np.concatenate([corner / scale, (corner + CELL - 1) / scale], axis=1)
    return np.column_stack([boxes, probability[x, y]]), moves[:, x, y].T


def move(boxes: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Move each side of boxes by a part of their width or height."""
    size = np.tile(boxes[:, 2:4] - boxes[:, :2] + 1, 2)
    return np.column_stack([boxes[:, :4] + moves * size, boxes[:, 4]])


def places(boxes: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return points ``(n, 5, 2)`` in the image, given as parts of the boxes: five x, five y."""
    size = boxes[:, 2:4] - boxes[:, :2] + 1
    return (
        boxes[:, np.newaxis, :2] + parts.reshape(-1, 2, 5).transpose(0, 2, 1) * size[:, np.newaxis]
    )


def square(boxes: np.ndarray) -> np.ndarray:
    """Make boxes as wide as they are high, around the same centre."""
    size = boxes[:, 2:4] - boxes[:, :2]
    longer = size.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + (size - longer) / 2
    return np.column_stack([corner, corner + longer, boxes[:, 4]])


def suppress(boxes: np.ndarray, most: float, of_smaller: bool = False) -> list[int]:
    """Return which boxes to keep: of those that overlap more than `most`, the likeliest."""
    area = np.prod(boxes[:, 2:4] - boxes[:, :2] + 1, axis=1)
    left, kept = list(boxes[:, 4].argsort()[::-1]), []
    while left:
        best, *left = left
        kept.append(int(best))
        corner = np.maximum(boxes[best, :2], boxes[left, :2])
        opposite = np.minimum(boxes[best, 2:4], boxes[left, 2:4])
        common = np.prod(np.maximum(opposite - corner + 1, 0), axis=1)
        whole = area[best] + area[left] - common
        if of_smaller:
            whole = np.minimum(area[best], area[left])
        left = [each for each, part in zip(left, common / whole, strict=True) if part <= most]
    return kept


def cut(image: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """Cut a box out of an image, black where it is outside, and resize it."""
    left, top, right, bottom = np.round(box[:4]).astype(int)
    part = np.zeros((max(bottom - top, 1), max(right - left, 1), 3), np.float32)
    inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    row, column = max(-top, 0), max(-left, 0)
    part[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return caffe.io.resize_image(part, (size, size))


def main() -> None:
    """Print the faces in an image."""
    folder, path = sys.argv[1:3]
    boxes, points = Mtcnn(folder).detect(caffe.io.load_image(path) * 255)
    for box, five in zip(boxes, points, strict=True):
        left, top, right, bottom = box[:4]
        print(f"{box[4]:.3f}  from ({left:.0f}, {top:.0f}) to ({right:.0f}, {bottom:.0f})")
        print("       points", " ".join(f"({x:.0f}, {y:.0f})" for x, y in five))


if __name__ == "__main__":
    main()
