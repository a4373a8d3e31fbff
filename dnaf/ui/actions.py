"""What the page does when something on it is changed: what the browser sent in, what it shows out.

Nothing that the browser sends names a file: uploads come as bytes, images of the data set from a list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dnaf.apply.input_reader import InputReader
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.apply.sheet import enlarged, with_skeleton
from dnaf.core import config
from dnaf.core.errors import DataError
from dnaf.core.images import Pixels, evenly_spaced
from dnaf.ui.history import MOST, Made
from dnaf.ui.joint_table import JOINTS, Table, to_keypoints, to_table

_NUM_THUMBNAILS = 24
_MOST_OTHERS = 5  # further images of a person: each costs as much as an image
_THUMBNAIL_WIDTH = 96  # pixels
_WIDTH = 352  # least pixels of a shown image: what a third of a notebook's screen has room for

WITH_POSE = "The model is given this image and the pose in it."
WITHOUT_POSE = (
    "No pose is known in this image. So it is taken for an artwork that need not show anyone, and the model "
    "is given what lies in it where the wanted pose has its body. For a person, add the pose in the image."
)


@dataclass(frozen=True)
class About:
    """What the page's title says.

    Attributes:
        model: the model's folder.
        dataset: whose test images can be picked.
        limits: what the model does not know; may be empty.
    """

    model: str
    dataset: str
    limits: str


@dataclass(frozen=True)
class Actions:
    """Handlers of the page's events, without the page.

    Attributes:
        names: the images of the data set that can be picked, nothing else.
        generate: steps and guidance at the beginning, and all that is not on the page.
        origin: what else an image is made of, for its record: model, data set, seed.
    """

    painter: Painter
    inputs: InputReader
    names: Sequence[str]
    generate: config.Generate
    origin: Mapping[str, Any] = field(default_factory=dict)

    def source(
        self, name: str, image: bytes | None, pose: bytes | None, others: Sequence[bytes] | None = None
    ) -> tuple[Person, Pixels, str]:
        """The person whose looks are taken, how they are shown, and what to know.

        Args:
            name: of an image of the data set; it counts where no image was uploaded.
            image: an uploaded JPEG or PNG.
            pose: an uploaded pose file, in pixels of the image.
            others: uploaded further images of the same person, whose poses the detector finds.

        Raises:
            DataError: a name that is not on the list; an upload that cannot be read, or too many.
        """
        if len(others or []) > _MOST_OTHERS:
            raise DataError(
                f"images: too many of one person (found {len(others or [])} more, expected at most "
                f"{_MOST_OTHERS}). Remove some."
            )
        if image is not None:
            person = self.inputs.uploaded(image, pose)
        elif pose is not None:
            raise DataError("pose: of no image (found a pose file alone). Upload its image, or remove it.")
        else:
            person = self.inputs.person(self._known(name))
        person = replace(person, others=tuple(self.inputs.uploaded(other) for other in others or []))
        shown = np.concatenate([self._seen(each) for each in (person, *person.others)], axis=1)
        return person, shown, WITH_POSE if person.has_pose else WITHOUT_POSE

    def _seen(self, person: Person) -> Pixels:
        if not person.has_pose:
            return self.shown(person.image)
        return with_skeleton(person.image, person.keypoints, _WIDTH)

    def thumbnails(self) -> list[tuple[Pixels, str]]:
        """Images to pick from and their names, evenly spread over the list."""
        names = [self.names[index] for index in evenly_spaced(len(self.names), _NUM_THUMBNAILS)]
        return [(enlarged(self.inputs.person(name).image, _THUMBNAIL_WIDTH), name) for name in names]

    def pose(self, name: str) -> Table:
        """The joints of an image of the data set.

        Raises:
            DataError: a name that is not on the list.
        """
        return to_table(self.inputs.person(self._known(name)).keypoints)

    def upload_pose(self, pose: bytes | None, table: Table) -> Table:
        """The joints of an uploaded pose file; those of the table if it was removed.

        Raises:
            DataError: it cannot be read.
        """
        return table if pose is None else to_table(self.inputs.uploaded_pose(pose))

    def move(self, table: Table, joint: str, at: Sequence[Any] | None) -> Table:
        """A joint moved.

        Args:
            at: (x, y) in pixels of the frame, as the browser sent it; None: the joint is missing then.

        Raises:
            DataError: no joint, or no two numbers.
        """
        if joint not in JOINTS:
            raise DataError(f"{joint!s:.100}: not a joint (expected one of {', '.join(JOINTS)}).")
        moved_to = [None, None] if at is None else list(at)
        return to_table(
            to_keypoints([[name, *(moved_to if name == joint else cells)] for name, *cells in table])
        )

    def skeleton(self, table: Table) -> Pixels:
        """What the joints of a table look like.

        Raises:
            DataError: it is no table of joints.
        """
        return with_skeleton(np.zeros((*self.inputs.size, 3), np.uint8), to_keypoints(table), _WIDTH)

    def generate_image(
        self, person: Person, table: Table, steps: int, guidance: float, history: Sequence[Made]
    ) -> tuple[Pixels, tuple[Pixels, Pixels], list[Made], list[Pixels]]:
        """The person in the wanted pose.

        Returns:
            The image as the page shows it; source and image, to be compared; and all images so far, as they
            are kept and as they are shown, the last one first.

        Raises:
            DataError: no joint is left.
            NumericalError, ResourceError: as `Painter.generate`.
        """
        wanted = to_keypoints(table)
        if np.isnan(wanted).all():
            raise DataError("pose: no joints (found 0 of 18). Pick a pose, or set some.")
        changed = {"num_inference_steps": int(steps), "guidance_scale": float(guidance)}
        generate = self.generate.model_copy(update=changed)
        image = self.painter.generate([person], [wanted], generate=generate)[0]
        joints = {
            joint: None if np.isnan(at[0]) else at.tolist() for joint, at in zip(JOINTS, wanted, strict=True)
        }
        num_sources = 1 + len(person.others)
        params = {"joints": joints, "num_sources": num_sources, "generate": generate.model_dump()}
        made = [*history, Made(image, {**params, **self.origin})][-MOST:]
        images = [self.shown(each.image) for each in reversed(made)]
        return images[0], (self.shown(person.image), images[0]), made, images

    def shown(self, image: Pixels) -> Pixels:
        """An image large enough to be looked at."""
        return enlarged(image, _WIDTH)

    def _known(self, name: str) -> str:
        if name not in self.names:
            raise DataError(
                f"{name!s:.100}: not a test image (expected one of {len(self.names):,}). Pick one."
            )
        return name
