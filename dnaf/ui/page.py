"""The page itself, of Gradio's widgets, and its server on this machine alone. Needs `dnaf[ui]`."""

import functools
import html
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from starlette.middleware import Middleware

from dnaf.core.errors import DnafError, ResourceError
from dnaf.core.images import Pixels, Size
from dnaf.ui import pose_editor
from dnaf.ui.actions import About, Actions
from dnaf.ui.guard import NAMES, Guard
from dnaf.ui.history import to_zip
from dnaf.ui.joint_table import JOINTS, Table, to_keypoints, to_table

HOST = NAMES[0]
MAX_UPLOAD = "20mb"

_FOLDER = "GRADIO_TEMP_DIR"  # the environment variable by which Gradio is told
_MOST_STEPS, _MOST_GUIDANCE = 50, 10  # of the sliders; more changes little but the time
_CACHE_S = 3600  # how long images are kept for the browser
_PICTURE_HEIGHT, _UPLOAD_HEIGHT, _TABLE_HEIGHT, _THUMBNAILS_HEIGHT = (
    540,
    140,
    330,
    240,
)  # pixels on the screen


@contextmanager
def serving(actions: Actions, port: int, about: About) -> Iterator[str]:
    """The page on 127.0.0.1 while the context lasts; gives its address. Uploads are deleted at the end.

    Raises:
        ResourceError: the port is in use.
    """
    with _upload_folder() as folder:
        page = build(actions, about)
        guard = Middleware(Guard, port=port, folder=folder)
        try:
            page.launch(
                server_name=HOST,
                server_port=port,
                share=False,
                prevent_thread_lock=True,
                max_file_size=MAX_UPLOAD,
                theme=gr.themes.Default(font="sans-serif", font_mono="monospace"),
                footer_links=[],
                quiet=True,
                inbrowser=False,
                run_history=False,
                enable_monitoring=False,
                ssr_mode=False,
                mcp_server=False,
                pwa=False,
                app_kwargs={"middleware": [guard]},
            )
        except OSError as error:
            raise ResourceError(
                f"--port: {port} cannot be used, another program may do. Give another."
            ) from error
        try:
            yield page.local_url
        finally:
            page.close(verbose=False)


@contextmanager
def _upload_folder() -> Iterator[Path]:
    """A new folder, the only one below which Gradio reads or serves files for a browser."""
    before = os.environ.get(_FOLDER)
    with tempfile.TemporaryDirectory(prefix="dnaf-ui-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ[_FOLDER]
            if before is not None:
                os.environ[_FOLDER] = before


def build(actions: Actions, about: About) -> gr.Blocks:
    """The page, with the first two test images as source and pose."""
    first, second = actions.names[:2]
    joints = to_table(actions.inputs.person(second).keypoints)
    person, source_image, note = actions.source(first, None, None)
    thumbnails = actions.thumbnails()
    height, width = actions.inputs.size

    def drawn(table: Table) -> str:
        return pose_editor.to_svg(
            actions.skeleton(table), to_keypoints(table), actions.inputs.size, _PICTURE_HEIGHT
        )

    def posed_by(action: Callable[..., Table]) -> Callable[..., tuple[Table, str]]:
        """The action, whose joints are shown as a image too."""

        @functools.wraps(action)
        def posed(*arguments: Any) -> tuple[Table, str]:
            table = action(*arguments)
            return table, drawn(table)

        return posed

    title = f"dnaf: {about.model} on {about.dataset}"
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(_CACHE_S, _CACHE_S)) as page:
        gr.Markdown(
            f"## A person in another pose\n\nModel `{about.model}`, data set `{about.dataset}`, "
            f"{height}x{width} pixels (height x width). {about.limits}"
        )
        source = gr.State(person)
        with gr.Row():
            with gr.Column():
                source_shown, told = _image("source", "Source", source_image), gr.Markdown(note)
                pickable = [image for image, _ in thumbnails]
                picked = _gallery("thumbnails", "Pick a source", pickable, allow_preview=False)
                name = gr.Dropdown(list(actions.names), value=first, label="Image of the test set")
                upload = _file("Or your own image: JPEG, PNG", [".jpg", ".jpeg", ".png"])
                upload_pose = _file("The pose in it: OpenPose JSON", [".json"])
                others = _file("More images of the same person", [".jpg", ".jpeg", ".png"], "multiple")
            with gr.Column():
                pose_shown = gr.HTML(
                    drawn(joints),
                    label="Wanted pose",
                    show_label=True,
                    container=True,
                    elem_id="pose",
                    css_template=pose_editor.STYLE,
                    js_on_load=pose_editor.SCRIPT,
                )
                gr.Markdown(pose_editor.HELP)
                pose_name = gr.Dropdown(list(actions.names), value=second, label="Pose of a test image")
                has_detector = actions.inputs.detector is not None
                wanted = _file(
                    "Or your own pose: OpenPose JSON, or a photograph"
                    if has_detector
                    else "Or your own pose: OpenPose JSON",
                    [".json", ".jpg", ".jpeg", ".png"] if has_detector else [".json"],
                )
                joint = gr.Dropdown(list(JOINTS), value=JOINTS[0], label="Joint")
                remove = gr.Button("Remove this joint", size="sm")
                table = _table(joints, actions.inputs.size)
            with gr.Column():
                result = _image("result", "Result", None)
                params = actions.generate
                steps = _slider("Steps", params.num_inference_steps, _MOST_STEPS, 1)
                guidance = _slider("Guidance (1: none)", params.guidance_scale, _MOST_GUIDANCE, 0.1)
                generate = gr.Button("Generate", variant="primary")
                compared = gr.ImageSlider(
                    label="Source and result", elem_id="compared", format="png", interactive=False, buttons=[]
                )
                made = gr.State([])
                history = _gallery("history", "So far", [], allow_preview=True)
                download = gr.DownloadButton("Download all", size="sm", interactive=False)

        def drag(table: Table, joint: str, event: gr.EventData) -> Table:
            """Where a handle ends; a click beside the handles is of the chosen joint."""
            return actions.move(table, event.joint or joint, event.at)

        def remove_joint(table: Table, joint: str) -> Table:
            return actions.move(table, joint, None)

        def pick(event: gr.SelectData) -> tuple[Any, ...]:
            """The image clicked at; it takes the place of an upload."""
            name = thumbnails[event.index][1]
            return (name, None, None, None, *actions.source(name, None, None))

        def generate_image(*arguments: Any) -> tuple[Any, ...]:
            *shown, kept, images = actions.generate_image(*arguments)
            return (*shown, kept, images, gr.DownloadButton(value=_write(to_zip(kept)), interactive=True))

        sources, shown = [name, upload, upload_pose, others], [source, source_shown, told]
        posed = [table, pose_shown]
        changes = [name.input, upload.change, upload_pose.change, others.change]
        _on(changes, actions.source, sources, shown)
        _on([picked.select], pick, [], [*sources, *shown])
        _on([pose_name.input], posed_by(actions.pose), [pose_name], posed)
        _on([wanted.change], posed_by(actions.upload_pose), [wanted, table], posed)
        _on([pose_shown.select], posed_by(drag), [table, joint], posed)
        _on([remove.click], posed_by(remove_joint), [table, joint], posed)
        _on([table.input], drawn, [table], [pose_shown])
        asked = [source, table, steps, guidance, made]
        _on([generate.click], generate_image, asked, [result, compared, made, history, download], "full")
    return page


def _image(name: str, label: str, value: Pixels | None) -> gr.Image:
    return gr.Image(
        value, label=label, elem_id=name, format="png", interactive=False, buttons=[], height=_PICTURE_HEIGHT
    )


def _gallery(name: str, label: str, images: list[Pixels], allow_preview: bool) -> gr.Gallery:
    return gr.Gallery(
        images,
        label=label,
        elem_id=name,
        columns=4,
        height=_THUMBNAILS_HEIGHT,
        object_fit="contain",
        format="png",
        allow_preview=allow_preview,
        interactive=False,
        buttons=[],
    )


def _file(label: str, suffixes: list[str], count: Literal["single", "multiple"] = "single") -> gr.File:
    return gr.File(label=label, file_types=suffixes, file_count=count, type="binary", height=_UPLOAD_HEIGHT)


def _write(content: bytes) -> str:
    """A file for the browser in the folder of the uploads, which goes with the server."""
    folder = tempfile.mkdtemp(dir=os.environ[_FOLDER])
    path = Path(folder) / "dnaf.zip"
    path.write_bytes(content)
    return str(path)


def _slider(label: str, value: float, most: float, step: float) -> gr.Slider:
    return gr.Slider(1, max(most, value), value=value, step=step, label=label)


def _table(joints: Table, size: Size) -> gr.Dataframe:
    return gr.Dataframe(
        joints,
        label=f"Joints in pixels of {size[0]}x{size[1]}; an empty row is a missing joint",
        headers=["joint", "x", "y"],
        datatype="str",  # as typed: `to_keypoints` tells what is no number
        column_count=3,
        row_count=len(JOINTS),
        type="array",
        static_columns=[0],
        interactive=True,
        buttons=[],
        max_height=_TABLE_HEIGHT,
    )


def _on(
    events: list[Any],
    action: Callable[..., Any],
    inputs: list[Any],
    outputs: list[Any],
    show_progress: Literal["full", "hidden"] = "hidden",
) -> None:
    """Calls an action on events. Progress is for long ones: an error would stay over all outputs."""
    gr.on(
        events,
        _told(action),
        inputs,
        outputs,
        show_progress=show_progress,
        api_visibility="private",
        concurrency_limit=1,
    )


def _told(action: Callable[..., Any]) -> Callable[..., Any]:
    """The action, whose errors that a user can cause are shown as their sentence."""

    @functools.wraps(action)
    def told(*arguments: Any) -> Any:
        try:
            return action(*arguments)
        except DnafError as error:
            raise gr.Error(html.escape(str(error)), print_exception=False) from error

    return told
