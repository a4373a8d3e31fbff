"""The page on which the model is tried, in a browser, and what its server refuses."""

import json
import re
import socket
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Position, expect

from dnaf.core import config, images
from dnaf.core.errors import ResourceError
from dnaf.ui.actions import WITH_POSE, WITHOUT_POSE, About, Actions
from dnaf.ui.joint_table import JOINTS
from tests.browser.conftest import Watched
from tests.helpers.application_project import ApplicationProject
from tests.helpers.chromium import wait_until
from tests.helpers.training_project import SIZE

pytest.importorskip("gradio", reason="the extra `ui` is not installed")
expect.set_options(timeout=20_000)

ABOUT = About("data/model", "demo", "It knows drawn people only.")
PHOTO = images.encode_png(np.full((2 * SIZE[0], 2 * SIZE[1], 3), 200, np.uint8))


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> Actions:
    project = ApplicationProject(tmp_path_factory.mktemp("project"))
    painter = project.painter()
    generate = config.load(config.Generate, project.root / "params.yaml")
    return Actions(painter, project.inputs(), project.names, generate)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture(scope="module")
def address(actions: Actions, port: int) -> Iterator[str]:
    """Of the page, served by another thread: Playwright's event loop runs in this one."""
    from dnaf.ui.page import serving

    server = serving(actions, port, ABOUT)
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(server.__enter__).result()
        thread.submit(server.__exit__, None, None, None).result()


@pytest.fixture
def page(watched: Watched, address: str) -> Page:
    """The page, ready to be used, its nose removed: Gradio's page loses what is done in its first moments."""
    # Gradio's page hangs up on its streams of events whenever there are none to come, and warns of a widget.
    watched.ignored = ("/queue/data?", "/upload_progress?", "Method not implemented.")
    watched.page.goto(address)
    expect(cell(watched.page, 0, 1)).to_be_visible()
    for _ in range(10):
        watched.page.get_by_role("button", name="Remove this joint").click()
        with suppress(AssertionError):
            expect(cell(watched.page, 0, 1)).to_have_text("", timeout=2000)
            break
    return watched.page


def cell(page: Page, joint: int, column: int) -> Locator:
    """A cell of the table of joints."""
    return page.get_by_test_id(f"cell-{joint}-{column}")


def handle(page: Page, joint: str) -> Locator:
    """What a joint is dragged by."""
    return page.locator(f'#pose circle[data-joint="{joint}"]')


def at(page: Page, x: float, y: float) -> Position:
    """A place in the frame, in pixels of the screen from the corner of the image of the pose."""
    box = page.locator("#pose svg.joints").bounding_box()
    assert box is not None
    return {"x": x * box["width"] / SIZE[1], "y": y * box["height"] / SIZE[0]}


def expect_joint(page: Page, joint: str, x: float, y: float) -> None:
    """Table and handle have the joint there, but for a pixel of the screen, which is a tenth of one here."""
    row = JOINTS.index(joint)
    for column, value in ((1, x), (2, y)):
        near = "|".join(re.escape(f"{value + tenth / 10:g}") for tenth in (-1, 0, 1))
        expect(cell(page, row, column)).to_have_text(re.compile(rf"^\s*({near})\s*$"))
    circle = handle(page, joint)
    expect(circle).to_have_count(1)
    drawn = [float(circle.get_attribute(name) or "nan") for name in ("cx", "cy")]
    assert drawn == pytest.approx([x, y], abs=0.2)


def pick(page: Page, label: str, choice: str) -> None:
    """Chooses in a list by its label."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=choice, exact=True).click()
    expect(page.get_by_role("option")).to_have_count(0)  # or the next list would be a second one


def upload(page: Page, name: str, content: bytes) -> None:
    """Gives a file to the page's first place that has none."""
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").first.set_input_files(files=file)


def test_a_picked_person_in_a_picked_and_edited_pose_is_generated(
    page: Page, watched: Watched, address: str, actions: Actions
) -> None:
    source = page.locator("#source img").get_attribute("src")
    pick(page, "Image of the test set", actions.names[2])
    expect(page.locator("#source img")).not_to_have_attribute("src", source or "")
    pick(page, "Pose of a test image", actions.names[3])
    pick(page, "Joint", "left wrist")
    before = page.locator("#pose image").get_attribute("href")
    page.locator("#pose svg.joints").click(position=at(page, 2, 3))
    expect_joint(page, "left wrist", 2, 3)
    expect(page.locator("#pose image")).not_to_have_attribute("href", before or "")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#result img")).to_be_visible()
    wait_until(page, "document.querySelector('#result img').naturalWidth === 360")
    hosts = {url.split("/")[2] for url in watched.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {address.split("/")[2]}


def test_a_joint_is_dragged_on_the_image(page: Page) -> None:
    handle(page, "neck").hover()
    page.mouse.down()
    box = page.locator("#pose svg.joints").bounding_box()
    assert box is not None
    to = at(page, 5, 20)
    page.mouse.move(box["x"] + to["x"], box["y"] + to["y"], steps=5)
    page.mouse.up()
    expect_joint(page, "neck", 5, 20)


def test_a_joint_is_moved_and_removed_by_keys(page: Page) -> None:
    page.locator("#pose svg.joints").click(position=at(page, 2, 3))  # the nose, which the fixture has removed
    expect_joint(page, "nose", 2, 3)
    handle(page, "nose").focus()
    for key, x, y in (
        ("ArrowRight", 3, 3),
        ("ArrowDown", 3, 4),
        ("Shift+ArrowRight", 8, 4),
        ("ArrowLeft", 7, 4),
    ):
        page.keyboard.press(key)  # goes to the same joint: it keeps the focus
        expect_joint(page, "nose", x, y)
    page.keyboard.press("Delete")
    expect(handle(page, "nose")).to_have_count(0)
    expect(cell(page, 0, 1)).to_have_text("")
    expect(handle(page, "neck")).to_have_count(1)


def test_a_joint_outside_of_the_image_stays_at_its_border(page: Page) -> None:
    handle(page, "neck").hover()
    page.mouse.down()
    page.mouse.move(0, 0)
    page.mouse.up()
    expect_joint(page, "neck", 0, 0)


def test_what_was_generated_is_compared_kept_and_downloaded(page: Page, tmp_path: Path) -> None:
    for number in (1, 2):
        page.get_by_role("button", name="Generate").click()
        expect(page.locator("#history button img")).to_have_count(number)
    expect(page.locator("#compared img")).to_have_count(2)
    with page.expect_download() as started:
        page.get_by_text("Download all").click()
    started.value.save_as(tmp_path / "made.zip")
    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        assert archive.namelist() == ["001.png", "001.json", "002.png", "002.json"]
        assert json.loads(archive.read("001.json"))["joints"]["nose"] is None  # the fixture removed it


def test_more_images_of_a_person_are_shown_beside_the_first(page: Page) -> None:
    width = "document.querySelector('#source img').naturalWidth"
    assert page.evaluate(width) == 360
    files = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": PHOTO} for n in (1, 2)]
    page.locator("input[type=file]").nth(2).set_input_files(files=files)  # type: ignore[arg-type]
    wait_until(page, f"{width} === 3 * 360")


def test_an_upload_counts_and_a_bad_one_is_one_sentence(page: Page) -> None:
    upload(page, "photo.png", PHOTO)
    expect(page.get_by_text(WITHOUT_POSE)).to_be_visible()
    upload(page, "pose.json", b"{")
    expect(page.get_by_test_id("toast-body")).to_contain_text("pose: not valid JSON")


def test_an_image_that_is_none_is_one_sentence(page: Page) -> None:
    upload(page, "photo.png", b"GIF89a")
    expect(page.get_by_test_id("toast-body")).to_contain_text("image: not a readable JPEG or PNG image")


def test_a_cell_that_is_no_number_is_one_sentence(page: Page) -> None:
    cell(page, 0, 1).dblclick()
    editor = cell(page, 0, 1).get_by_role("textbox")  # opened a moment later: keys pressed before it are lost
    editor.fill("left")
    editor.press("Enter")
    expect(page.get_by_test_id("toast-body")).to_contain_text(
        "nose: not two numbers (found left and nothing)"
    )


def test_the_title_says_model_data_and_limits(page: Page) -> None:
    assert page.title() == "dnaf: data/model on demo"
    expect(page.get_by_text("It knows drawn people only.")).to_be_visible()


def test_a_thumbnail_is_a_source_and_takes_the_place_of_an_upload(page: Page, actions: Actions) -> None:
    upload(page, "photo.png", PHOTO)
    expect(page.get_by_text(WITHOUT_POSE)).to_be_visible()
    page.locator("#thumbnails button:has(img)").nth(2).click()
    expect(page.get_by_text(WITH_POSE)).to_be_visible()
    expect(page.get_by_label("Image of the test set", exact=True)).to_have_value(actions.names[2])
    expect(page.get_by_text("photo.png")).to_have_count(0)


def test_a_wanted_pose_is_uploaded(page: Page, actions: Actions) -> None:
    flat = [
        value for x, y in actions.inputs.person(actions.names[2]).keypoints.tolist() for value in (x, y, 1)
    ]
    content = json.dumps({"people": [{"pose_keypoints_2d": flat}]}).encode()
    file = {"name": "wanted.json", "mimeType": "application/json", "buffer": content}
    page.locator("input[type=file]").nth(3).set_input_files(files=file)
    expect(cell(page, 0, 1)).to_have_text(re.compile(rf"^\s*{round(flat[0], 1):g}\s*$"))


def test_the_server_is_on_this_machine_s_own_address_alone(address: str, port: int) -> None:
    assert address == f"http://127.0.0.1:{port}/"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))  # answered by a server on all addresses


def test_a_port_that_is_in_use_is_told(actions: Actions, address: str, port: int) -> None:
    from dnaf.ui.page import serving

    def serve_again() -> None:
        with serving(actions, port, ABOUT):
            pass

    with ThreadPoolExecutor(1) as thread, pytest.raises(ResourceError, match=f"^--port: {port} "):
        thread.submit(serve_again).result()


def post_source(address: str, image: str) -> dict[str, Any]:
    """What the server says to an image that a program names by its path on the server."""
    import httpx

    page = httpx.get(f"{address}config").json()
    kinds = {component["id"]: component["type"] for component in page["components"]}
    is_source = ["dropdown", "file", "file", "file"].__eq__
    (action,) = (each for each in page["dependencies"] if is_source([*map(kinds.get, each["inputs"])]))
    values = {component["id"]: component["props"].get("value") for component in page["components"]}
    data = [values[number] for number in action["inputs"]]
    data[1] = {"path": image, "meta": {"_type": "gradio.FileData"}}
    body = {"data": data, "fn_index": action["id"], "session_hash": "a-test"}
    httpx.post(f"{address}gradio_api/queue/join", json=body).raise_for_status()
    with httpx.stream("GET", f"{address}gradio_api/queue/data?session_hash=a-test") as events:
        for line in events.iter_lines():
            event: dict[str, Any] = json.loads(line.removeprefix("data:")) if line else {}
            if event.get("msg") == "process_completed":
                return event
    raise AssertionError("no answer")


def test_a_path_that_was_not_uploaded_is_refused(address: str, tmp_path: Path) -> None:
    import httpx

    secret = tmp_path / "secret.png"
    secret.write_bytes(PHOTO)
    assert not post_source(address, str(secret))["success"]
    assert httpx.get(f"{address}gradio_api/file={secret}").status_code == 403
    files = {"files": ("photo.png", PHOTO)}
    (uploaded,) = httpx.post(f"{address}gradio_api/upload", files=files).json()
    assert post_source(address, uploaded)["success"]


def test_an_upload_of_too_many_bytes_is_refused(address: str) -> None:
    import httpx

    files = {"files": ("photo.png", bytes(20 * 1024 * 1024 + 1))}
    assert httpx.post(f"{address}gradio_api/upload", files=files).status_code == 413


def test_other_web_sites_and_addresses_are_refused(address: str, port: int) -> None:
    import httpx

    assert httpx.get(address, headers={"Host": f"evil.example:{port}"}).status_code == 403
    files = {"files": ("photo.png", PHOTO)}
    elsewhere = {"Origin": "https://evil.example"}
    assert httpx.post(f"{address}gradio_api/upload", files=files, headers=elsewhere).status_code == 403
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        post_source(address, "http://169.254.169.254/latest/photo.png")


def test_programs_are_offered_nothing(address: str) -> None:
    import httpx

    offered = httpx.get(f"{address}gradio_api/info").json()
    assert offered["named_endpoints"] == offered["unnamed_endpoints"] == {}
