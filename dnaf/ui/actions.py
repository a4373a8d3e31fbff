"""What the page does when something on it is changed: what the browser sent in, what it shows out.

Nothing that the browser sends names a file: uploads come as bytes, images of the data set from a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnaf import config
from dnaf.apply.inputs import Inputs
from dnaf.apply.painter import Painter
from dnaf.apply.person import Person
from dnaf.apply.sheet import enlarged, with_skeleton
from dnaf.data.keypoints import Points
from dnaf.errors import DataError
from dnaf.images import Pixels
from dnaf.ui.joint_table import JOINTS, Table, to_keypoints, to_table

_WIDTH = 352  # least pixels of a shown picture: what a third of a notebook's screen has room for

WITH_POSE = "The model is given this picture and the pose in it."
WITHOUT_POSE = (
    "The model is given this picture without a pose, as an artwork that need not show anyone: looks are "
    "taken from all of it. For a person, add the pose in the picture."
)


@dataclass(frozen=True)
class Actions:
    """Handlers of the page's events, without the page.

    Attributes:
        names: the images of the data set that can be picked, nothing else.
        generate: steps and guidance at the beginning, and all that is not on the page.
    """

    painter: Painter
    inputs: Inputs
    names: Sequence[str]
    generate: config.Generate

    def source(
        self, name: str, picture: bytes | None, pose: bytes | None, table: Table
    ) -> tuple[Person, Pixels, str, Pixels]:
        """The person whose looks are taken, how they are shown, what to know, and the wanted pose over them.

        Args:
            name: of an image of the data set; it counts where no picture was uploaded.
            picture: an uploaded JPEG or PNG.
            pose: an uploaded pose file, in pixels of the picture.

        Raises:
            DataError: a name that is not on the list; an upload that cannot be read.
        """
        if picture is not None:
            person = self.inputs.uploaded(picture, pose)
        elif pose is not None:
            raise DataError(
                "pose: of no picture (found a pose file alone). Upload its picture, or remove it."
            )
        else:
            person = self.inputs.person(self._known(name))
        has_pose = not np.isnan(person.keypoints).all()
        shown = (
            with_skeleton(person.image, person.keypoints, _WIDTH) if has_pose else self.shown(person.image)
        )
        return person, shown, WITH_POSE if has_pose else WITHOUT_POSE, self.over(person, to_keypoints(table))

    def pose(self, name: str, person: Person) -> tuple[Table, Pixels]:
        """The joints of an image of the data set, and their skeleton over the source.

        Raises:
            DataError: a name that is not on the list.
        """
        return self._posed(self.inputs.person(self._known(name)).keypoints, person)

    def move(self, table: Table, joint: str, person: Person, at: tuple[float, float]) -> tuple[Table, Pixels]:
        """A joint moved to where its picture was clicked: (x, y) in pixels of the shown picture."""
        factor = self.over(person, to_keypoints(table)).shape[1] / self.inputs.size[1]
        return self._with(table, joint, person, np.asarray(at, np.float64) / factor)

    def remove(self, table: Table, joint: str, person: Person) -> tuple[Table, Pixels]:
        """A joint made missing."""
        return self._with(table, joint, person, np.full(2, np.nan))

    def edit(self, table: Table, person: Person) -> Pixels:
        """The skeleton of an edited table over the source."""
        return self.over(person, to_keypoints(table))

    def paint(self, person: Person, table: Table, steps: int, guidance: float) -> Pixels:
        """The person in the wanted pose, as the page shows it.

        Raises:
            DataError: no joint is left.
            NumericalError, ResourceError: as `Painter.paint`.
        """
        wanted = to_keypoints(table)
        if np.isnan(wanted).all():
            raise DataError("pose: no joints (found 0 of 18). Pick a pose, or set some.")
        changed = {"num_inference_steps": int(steps), "guidance_scale": float(guidance)}
        generate = self.generate.model_copy(update=changed)
        return self.shown(self.painter.paint([person], [wanted], generate=generate)[0])

    def over(self, person: Person, wanted: Points) -> Pixels:
        """The skeleton of the wanted pose over the source."""
        return with_skeleton(person.image, wanted, _WIDTH)

    def shown(self, picture: Pixels) -> Pixels:
        """A picture large enough to be looked at."""
        return enlarged(picture, _WIDTH)

    def _known(self, name: str) -> str:
        if name not in self.names:
            raise DataError(
                f"{name!s:.100}: not a test image (expected one of {len(self.names):,}). Pick one."
            )
        return name

    def _with(self, table: Table, joint: str, person: Person, at: Points) -> tuple[Table, Pixels]:
        if joint not in JOINTS:
            raise DataError(f"{joint!s:.100}: not a joint (expected one of {', '.join(JOINTS)}).")
        keypoints = to_keypoints(table)
        keypoints[JOINTS.index(joint)] = at
        return self._posed(keypoints, person)

    def _posed(self, keypoints: Points, person: Person) -> tuple[Table, Pixels]:
        return to_table(keypoints), self.over(person, keypoints)
