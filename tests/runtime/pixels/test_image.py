"""Pictures of every kind become upright 8-bit RGB; what is no picture is refused with an ImageError."""

import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from fpm_edge_runtime import DataError, ImageError, load_image
from fpm_edge_runtime.pixels import image as image_module
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import check_image, decode_image, letterbox


def _scene(width: int = 40, height: int = 24) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 5 % 256, columns * 3 % 256, (rows + columns) * 2 % 256], axis=2).astype(np.uint8)


def test_rgb_is_returned_unchanged(tmp_path: Path) -> None:
    Image.fromarray(_scene()).save(tmp_path / "a.png")
    loaded = load_image(tmp_path / "a.png")
    np.testing.assert_array_equal(loaded, _scene())
    assert loaded.dtype == np.uint8
    assert loaded.flags.writeable


def test_path_may_be_text(tmp_path: Path) -> None:
    Image.fromarray(_scene()).save(tmp_path / "a.bmp")
    assert load_image(str(tmp_path / "a.bmp")).shape == (24, 40, 3)


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, undo: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(_scene()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), undo(_scene()))


def test_grey_fills_all_channels(tmp_path: Path) -> None:
    grey = _scene()[..., 1]
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), np.repeat(grey[..., None], 3, axis=2))


def test_palette_gives_its_colours(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 2), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.save(tmp_path / "a.png")
    assert (load_image(tmp_path / "a.png") == [10, 20, 30]).all()


def test_black_and_white_bits(tmp_path: Path) -> None:
    Image.new("1", (4, 2), 1).save(tmp_path / "a.png")
    assert (load_image(tmp_path / "a.png") == 255).all()


def test_cmyk(tmp_path: Path) -> None:
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    loaded = load_image(tmp_path / "a.jpg")
    assert np.abs(loaded.astype(int) - [255, 0, 0]).max() < 8


@pytest.mark.parametrize(("alpha", "expected"), [(255, [200, 100, 40]), (0, [0, 0, 0]), (128, [100, 50, 20])])
def test_alpha_lies_over_black(tmp_path: Path, alpha: int, expected: list[int]) -> None:
    Image.new("RGBA", (4, 2), (200, 100, 40, alpha)).save(tmp_path / "a.png")
    assert np.abs(load_image(tmp_path / "a.png").astype(int) - expected).max() <= 1


def test_transparent_palette_entry_is_black(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 2), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    picture.save(tmp_path / "a.png", transparency=1)
    assert (load_image(tmp_path / "a.png") == 0).all()


def test_grey_with_alpha_lies_over_black(tmp_path: Path) -> None:
    Image.new("LA", (4, 2), (200, 128)).save(tmp_path / "a.png")
    assert np.abs(load_image(tmp_path / "a.png").astype(int) - 100).max() <= 1


def test_sixteen_bits_of_colour_keep_the_high_byte(tmp_path: Path) -> None:
    # Pillow writes no such picture: 2 × 1 pixels, RGB, 16 bits, no filter.
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">2I5B", 2, 1, 16, 2, 0, 0, 0))
    pixels = zlib.compress(b"\0" + struct.pack(">6H", 0xFF00, 0x80FF, 0x0100, 0x00FF, 0xFFFF, 0x1234))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    assert load_image(tmp_path / "a.png").tolist() == [[[0xFF, 0x80, 1], [0, 0xFF, 0x12]]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_one_pixel_of_every_mode(tmp_path: Path, mode: str) -> None:
    if mode == "YCbCr" and int(PIL.__version__.partition(".")[0]) < 13:
        pytest.skip("Pillow before 13, the last for Python 3.10, cannot read what it writes here")
    Image.new(mode, (1, 1)).save(tmp_path / "a", "TIFF")
    loaded = load_image(tmp_path / "a")
    assert (loaded.shape, loaded.dtype) == ((1, 1, 3), np.uint8)


def test_orientation_that_there_is_not(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 99
    Image.fromarray(_scene()).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), _scene())


def test_the_largest_picture_is_not_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(_scene()).save(tmp_path / "a.png")
    monkeypatch.setattr(image_module, "MAX_PIXELS", 24 * 40)
    assert load_image(tmp_path / "a.png").shape == (24, 40, 3)
    monkeypatch.setattr(image_module, "MAX_PIXELS", 24 * 40 - 1)
    with pytest.raises(ImageError, match="40 × 24 pixels, more than"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_keep_the_high_byte(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 255, 256, 0x8000, 0xFFFF]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    assert load_image(tmp_path / f"a.{suffix}")[0, :, 0].tolist() == [0, 0, 1, 128, 255]


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match=r"a\.tif: floating.*8 or 16 bits$"):
        load_image(tmp_path / "a.tif")


@pytest.mark.parametrize("brightest", [255, 65535, 100_000])
def test_32_bits_have_no_white(tmp_path: Path, brightest: int) -> None:
    Image.fromarray(np.array([[0, brightest]], np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match=r"a\.tif: grey values of 32 bits have no defined white"):
        load_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_fewer_bits_in_16_are_no_black_picture(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.array([[0, 4095]], np.uint16)).save(path)
    with pytest.raises(ImageError, match=r"16-bit grey values end at 4095, and white is 65535"):
        load_image(path)
    Image.fromarray(np.array([[0, 4096]], np.uint16)).save(path)
    assert load_image(path)[0, :, 0].tolist() == [0, 16]
    Image.fromarray(np.array([[0, 0]], np.uint16)).save(path)
    assert load_image(path)[0, :, 0].tolist() == [0, 0], "what is black is black"


def test_a_file_may_say_where_white_is(tmp_path: Path) -> None:
    values = Image.fromarray(np.array([[0, 16, 4095]], np.uint16))
    values.save(tmp_path / "a.tif", tiffinfo={281: 4095})
    assert load_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 1, 255]
    (tmp_path / "a.pgm").write_bytes(b"P5\n3 1\n4095\n" + np.array([0, 16, 4095], ">u2").tobytes())
    assert load_image(tmp_path / "a.pgm")[0, :, 0].tolist() == [0, 1, 255]
    Image.fromarray(np.array([[0, 5000]], np.uint16)).save(tmp_path / "a.tif", tiffinfo={281: 4095})
    with pytest.raises(ImageError, match="grey value 5000 in 12 bits"):
        load_image(tmp_path / "a.tif")


def test_white_may_be_zero(tmp_path: Path) -> None:
    values = Image.fromarray(np.array([[0, 256, 65535]], np.uint16))
    values.save(tmp_path / "a.tif", tiffinfo={262: 0})
    assert load_image(tmp_path / "a.tif")[0, :, 0].tolist() == [255, 254, 0]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"gone\.jpg: no such file"):
        load_image(tmp_path / "gone.jpg")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello, world", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_not_a_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png is not a picture that can be read"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
def test_every_truncation_is_an_image_error(tmp_path: Path, form: str) -> None:
    file = BytesIO()
    Image.fromarray(_scene()).save(file, form)
    whole = file.getvalue()
    path = tmp_path / "a.img"
    refused = 0
    for length in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:length])
        with warnings.catch_warnings():
            # Pillow's TIFF reader warns of missing tags before it gives up; only the outcome matters here.
            warnings.simplefilter("ignore", UserWarning)
            try:
                load_image(path)
            except ImageError:
                refused += 1
    assert refused > 40


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP"])
def test_bytes_decode_as_their_file_does(tmp_path: Path, form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    extra = {"exif": exif} if form in ("JPEG", "PNG", "TIFF", "WEBP") else {}
    Image.fromarray(_scene()).save(tmp_path / "a.img", form, **extra)
    decoded = decode_image((tmp_path / "a.img").read_bytes(), "a picture")
    np.testing.assert_array_equal(decoded, load_image(tmp_path / "a.img"))
    assert decoded.flags.writeable


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "the third is not a picture"), (b"hello", "the third is not a picture"), (None, "the third is damaged")],
)
def test_bad_bytes_are_called_by_their_name(content: bytes | None, message: str) -> None:
    if content is None:
        file = BytesIO()
        Image.fromarray(_scene()).save(file, "JPEG")
        content = file.getvalue()[:-40]
    with pytest.raises(ImageError, match=message):
        decode_image(content, "the third")


def test_bytes_of_too_many_pixels() -> None:
    file = BytesIO()
    Image.new("1", (8000, 5001)).save(file, "PNG")
    with pytest.raises(ImageError, match="the third has 8000 × 5001 pixels, more than 40 megapixels"):
        decode_image(file.getvalue(), "the third")


def test_too_many_pixels(tmp_path: Path) -> None:
    Image.new("1", (8000, 5001)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="8000 × 5001 pixels, more than 40 megapixels"):
        load_image(tmp_path / "a.png")


def test_far_too_many_pixels(tmp_path: Path) -> None:
    # Beyond twice Pillow's own limit, where it raises by itself.
    Image.new("1", (20000, 10000)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="more than 40 megapixels"):
        load_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("a.jpg", "is a str"),
        (Image.new("RGB", (2, 2)), "is a Image"),
        (np.zeros((2, 2, 3), np.float32), "type float32"),
        (np.zeros((2, 2), np.uint8), r"shape \(2, 2\)"),
        (np.zeros((2, 2, 4), np.uint8), r"shape \(2, 2, 4\)"),
        (np.zeros((1, 2, 2, 3), np.uint8), r"shape \(1, 2, 2, 3\)"),
        (np.zeros((0, 2, 3), np.uint8), "no pixels"),
        (np.zeros((3, 20, 30), np.uint8), "channels last"),
        (np.zeros((2, 2, 1), np.uint8), r"shape \(2, 2, 1\)"),
        (np.zeros((2, 2, 3), np.int8), "type int8"),
        (np.zeros((2, 2, 3), np.uint16), "type uint16"),
        (np.zeros((2, 2, 3), bool), "type bool"),
        (np.zeros((2, 2, 3), object), "type object"),
        (np.zeros((2, 2, 3)).tolist(), "is a list"),
        (None, "is a NoneType"),
    ],
)
def test_check_image_refuses(image: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_image(image)


def test_check_image_returns_the_same_array() -> None:
    image = _scene()
    assert check_image(image) is image


def test_letterbox_of_the_right_size_changes_nothing() -> None:
    fit = Letterbox.fit((40, 24), (40, 24))
    for picture in (_scene(), _scene()[:, :, ::-1]):
        same = letterbox(picture, fit, (40, 24))
        np.testing.assert_array_equal(same, picture)
        assert same.flags.c_contiguous
        assert not np.shares_memory(same, picture)


def test_letterbox_pads_with_black_around_the_picture() -> None:
    white = np.full((20, 20, 3), 255, np.uint8)
    boxed = letterbox(white, Letterbox.fit((20, 20), (48, 32)), (48, 32))
    assert boxed.shape == (32, 48, 3)
    assert boxed.flags.c_contiguous
    assert (boxed[:, 8:40] == 255).all()
    assert (boxed[:, :8] == 0).all()
    assert (boxed[:, 40:] == 0).all()


def test_letterbox_takes_the_box_only() -> None:
    image = np.zeros((30, 60, 3), np.uint8)
    image[10:20, 40:55] = 200
    boxed = letterbox(image, Letterbox.fit((60, 30), (48, 32), (42, 12, 54, 18)), (48, 32))
    inside = boxed[boxed.any(axis=(1, 2))]
    assert (inside == 200).all()


def test_letterbox_does_not_alias() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = letterbox(stripes, Letterbox.fit((256, 256), (32, 32)), (32, 32))
    # One source column in eight more or less at the border; without antialiasing it would be 0 or 255.
    assert np.abs(small.astype(int) - 127).max() <= 16


def test_letterbox_of_a_strided_view() -> None:
    fit = Letterbox.fit((40, 24), (40, 24))
    mirrored = _scene()[:, ::-1]
    np.testing.assert_array_equal(letterbox(mirrored, fit, (40, 24)), mirrored)
