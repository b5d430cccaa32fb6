"""The storage's XML: written for the SDKs, and parsed safely from them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from local.simulator.storage_errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_PARTS = 10_000
# Paths and prefixes come back in answers; XML 1.0 cannot carry every character they may have.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Tree = dict[str, "str | Tree | list[Tree]"]


@dataclass(frozen=True)
class CompletedPart:
    """One part as CompleteMultipartUpload lists it; `etag` without its quotes."""

    part_number: int
    etag: str


def write_document(name: str, members: Mapping[str, str | Tree | list[Tree]]) -> bytes:
    """Write one document; a list becomes one element per item."""
    root = Element(name)
    _append(root, members)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def read_completed_parts(body: bytes) -> list[CompletedPart]:
    """Parse the body of CompleteMultipartUpload, with or without the S3 namespace.

    Raises:
        StorageError: MalformedXML: no such document, no parts, or more than 10000.

    """
    try:
        root = fromstring(body)
        parts = [_completed_part(element) for element in root if _local_name(element) == "Part"]
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise _malformed() from error
    if _local_name(root) != "CompleteMultipartUpload" or not 0 < len(parts) <= _MOST_PARTS:
        raise _malformed()
    return parts


def _completed_part(element: Element) -> CompletedPart:
    members = {_local_name(child): (child.text or "").strip() for child in element}
    number = members.get("PartNumber", "")
    if not re.fullmatch(r"[0-9]{1,5}", number):
        raise ValueError("PartNumber")
    return CompletedPart(part_number=int(number), etag=members.get("ETag", "").strip('"'))


def _local_name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _malformed() -> StorageError:
    return StorageError(400, "MalformedXML", "The XML you provided was not well-formed or not as expected.")


def _append(parent: Element, members: Mapping[str, str | Tree | list[Tree]]) -> None:
    for name, value in members.items():
        values: Iterable[str | Tree] = value if isinstance(value, list) else [value]
        for one in values:
            element = SubElement(parent, name)
            if isinstance(one, str):
                element.text = _NOT_IN_XML.sub("\ufffd", one)
            else:
                _append(element, one)
