#!/usr/bin/env python3
"""judge.py tells what another parser reads in Windows event logs, in a form that can be compared line by line.

    judge.py [--parser evtx|python-evtx] [--counts] FILE...

Without --counts it prints one line per record, in the order in which the parser yields them:

    file TAB record id TAB path=value TAB path=value ...

and with it one line per file:

    file TAB records TAB errors TAB first error

The record id is the one in the record's header (EventRecordID is among the fields). A record that the parser cannot
read costs only itself: it is counted, and told on stderr. Exit status is 1 if a file could not be opened at all.

Needs the package of the chosen parser: `evtx` (Rust; 0.14.0 was used) or `python-evtx` (pure Python; 0.8.1).

Paths
  Steps are joined by "/". A step is the element's name, or for an element Data with an attribute Name, Data[Name]; the
  second, third ... sibling with the same step is followed by #2, #3 ... . An attribute is @name behind its element's
  path; the text of an element is /#text. Namespace declarations are not attributes, and the Name that stands in the
  step is not repeated:
      Event/System/Provider@Name=Microsoft-Windows-Sysmon
      Event/EventData/Data[Image]/#text=C:\\\\Windows\\\\cmd.exe
      Event/EventData/Data#2/#text=second unnamed string

Values are written with \\\\, \\t, \\n, \\r for these characters, after this normalisation. It makes equal what means the
same, by form alone, so it must be applied to both sides of a comparison:
  null     what is empty, or nothing but white space, is left out: an element or attribute without a value, one whose
           value is null and one with the empty string cannot be told apart
  text     NULs are removed, as are other control characters but tab, LF and CR, and U+FFFE, U+FFFF, U+FFFD and lone
           surrogates (the parsers differ in what they put for ill-formed UTF-16); CR LF becomes LF
  time     YYYY-MM-DD, blank or T, HH:MM:SS with or without a fraction, Z, +00:00 or nothing: in the form
           2022-11-23T01:37:49.123456Z, cut (not rounded) to microseconds
  hex      0x and digits: small letters, no leading zeros
  boolean  True, False in any case: small letters
  GUID     32 digits in 8-4-4-4-12 with or without braces: capitals, in braces
  float    a whole number written with .0 loses it
  array    an array of strings that alone makes the content of an element is so many elements

python-evtx renders some types with loss, so this script renders them in its place, from the bytes that python-evtx
has found: FILETIME and SYSTEMTIME (it computes in floating point, and takes milliseconds for microseconds), booleans
(it takes those with the high bit for false, and reads four bytes whatever the size), size_t (it prints decimals),
binary (it prints base64), floats (it prints 32 bits with the digits of 64), arrays of strings (it cuts them at any
character whose low byte is zero), ANSI strings (it takes ASCII alone), SIDs and
entity references (it escapes them twice). What it cannot read at all stays an error.
"""
import argparse
import datetime
import re
import struct
import sys


def main():
    p = argparse.ArgumentParser(description="what another parser reads in Windows event logs")
    p.add_argument("--parser", choices=["evtx", "python-evtx"], default="evtx")
    p.add_argument("--counts", action="store_true", help="one line per file: records, errors, first error")
    p.add_argument("files", nargs="+")
    args = p.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    read = read_rust if args.parser == "evtx" else read_python
    failed = False
    for path in args.files:
        records, errors = 0, []
        try:
            for number, xml, error in read(path):
                if error is None and not args.counts:
                    try:
                        print(path, number, *fields(xml), sep="\t")
                    except ValueError as e:
                        error = e
                if error is not None:
                    errors.append(one_line("record %s: %s" % (number, error)))
                else:
                    records += 1
        except Exception as e:  # the file cannot be opened, or the parser gives up on the rest of it
            errors.append(one_line(e))
            failed = failed or records == 0
        if args.counts:
            print(path, records, len(errors), errors[0] if errors else "", sep="\t")
        for e in errors:
            print(path, e, sep="\t", file=sys.stderr)
    sys.exit(1 if failed else 0)


def one_line(e):
    return " ".join(str(e).split()) or type(e).__name__


# ---- the two parsers: each yields (record id, XML, error), one of the last two None

def read_rust(path):
    import evtx

    records = evtx.PyEvtxParser(path, number_of_threads=1, indent=False).records()
    while True:
        try:
            r = next(records)
        except StopIteration:
            return
        except RuntimeError as e:
            yield "?", None, e
            continue
        yield r["event_record_id"], r["data"], None


def read_python(path):
    import Evtx.Evtx

    repair_python_evtx()
    with Evtx.Evtx.Evtx(path) as log:
        for chunk in log.get_file_header().chunks(include_inactive=True):
            try:
                if not chunk.check_magic():
                    continue
                records = chunk.records()
            except Exception as e:
                yield "?", None, e
                continue
            while True:
                number = "?"
                try:
                    r = next(records)
                    number = r.record_num()
                    xml = r.xml()
                except StopIteration:
                    break
                except Exception as e:
                    yield number, None, e
                    if number == "?":
                        break  # the generator is spent
                    continue
                yield number, xml, None


def repair_python_evtx():
    """Replaces the rendering of types that python-evtx renders with loss."""
    import Evtx.Nodes as n

    def raw(node):
        return node.unpack_binary(0, node.tag_length() if node._length is None else node._length)

    def filetime(node):
        t = int.from_bytes(raw(node)[:8], "little")
        try:
            at = datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=t // 10)
        except OverflowError:
            return str(t)
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at.year > 999 else str(t)

    def systemtime(node):
        y, mo, _, d, h, mi, s, ms = struct.unpack("<8H", raw(node)[:16])
        return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (y, mo, d, h, mi, s, ms)

    def boolean(node):
        return "true" if any(raw(node)) else "false"

    def size(node):
        return hex(int.from_bytes(raw(node), "little"))

    def binary(node):
        return node.binary().hex().upper()

    def float32(node):
        value = node.float()
        for digits in range(1, 10):
            s = "%.*g" % (digits, value)
            if struct.pack("<f", float(s)) == struct.pack("<f", value):
                return repr(float(s))
        return repr(value)

    def strings(node):
        list = node.binary().decode("utf-16-le", "replace").split("\0")
        if list and list[-1] == "":
            list.pop()
        return "".join(ARRAY + s for s in list)

    def sid(node):
        b = raw(node)
        parts = struct.unpack("<%dI" % b[1], b[8:8 + 4 * b[1]])
        return "-".join(["S", str(b[0]), str(int.from_bytes(b[2:8], "big"))] + [str(x) for x in parts])

    def entity(node):
        name = node._chunk.strings()[node.string_offset()].string()
        return NAMED.get(name, "&" + name + ";")

    n.FiletimeTypeNode.string = filetime
    n.SystemtimeTypeNode.string = systemtime
    n.BooleanTypeNode.string = boolean
    n.SizeTypeNode.string = size
    n.BinaryTypeNode.string = binary
    n.FloatTypeNode.string = float32
    n.DoubleTypeNode.string = lambda node: repr(node.double())
    n.EntityReferenceNode.entity_reference = entity
    n.StringTypeNode.string = lambda node: raw(node).rstrip(b"\0").decode("cp1252", "ignore")
    n.WstringArrayTypeNode.string = strings
    n.SIDTypeNode.string = sid


# ARRAY begins each string of an array that python-evtx renders. No XML text holds it.
ARRAY = "\ufdd0"

# ---- from XML to fields. Both parsers write control characters that no XML parser takes, so it is read here.

TOKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)\]\]>"
    r"|<\?.*?\?>"
    r"|<!--.*?-->"
    r"|<(?P<close>/)?(?P<name>[^\s<>/=\"]+)(?P<attributes>(?:\s+[^\s<>/=\"]+=\"[^<]*?\"(?=[\s/>]))*)\s*(?P<empty>/)?>"
    r"|(?P<text>[^<]+)", re.S)
ATTRIBUTE = re.compile(r"\s+([^\s<>/=\"]+)=\"([^<]*?)\"(?=\s+[^\s<>/=\"]+=\"|\s*$)", re.S)


class Element:
    def __init__(self, name, attributes):
        self.name, self.attributes, self.children, self.text = name, attributes, [], ""


def fields(xml):
    """Returns path=value of every attribute and text, in document order."""
    out = []
    walk(parse(xml), "", {}, out)
    return out


def parse(xml):
    root = Element("", [])
    stack, at = [root], 0
    while at < len(xml):
        m = TOKEN.match(xml, at)
        if not m:
            raise ValueError("XML not understood: %r" % xml[at:at + 60])
        at = m.end()
        top = stack[-1]
        if m["text"] is not None:
            top.text += unescape(m["text"])
        elif m["cdata"] is not None:
            top.text += m["cdata"]
        elif m["close"]:
            if len(stack) == 1 or top.name != m["name"]:
                raise ValueError("XML ends %s inside %s" % (m["name"], top.name))
            stack.pop()
        elif m["name"]:
            e = Element(m["name"], [(k, unescape(v)) for k, v in ATTRIBUTE.findall(m["attributes"] or "")])
            top.children.append(e)
            if not m["empty"]:
                stack.append(e)
    if len(stack) > 1 or len(root.children) != 1:
        raise ValueError("XML is not one element")
    return root.children[0]


def walk(e, path, seen, out):
    step = e.name
    name = dict(e.attributes).get("Name", "") if e.name == "Data" else ""
    if name:
        step += "[" + name + "]"
    strings = e.text.split(ARRAY)[1:] if ARRAY in e.text else [e.text]
    for text in strings or [""]:
        seen[step] = seen.get(step, 0) + 1
        at = path + ("/" if path else "") + step + ("" if seen[step] == 1 else "#%d" % seen[step])
        for k, v in e.attributes:
            if k != "xmlns" and not k.startswith("xmlns:") and not (name and k == "Name"):
                put(out, at + "@" + k, v)
        put(out, at + "/#text", text)
    below = {}
    for c in e.children:
        walk(c, at, below, out)


def put(out, path, value):
    value = normal(value)
    if value:
        out.append(escape(path) + "=" + escape(value))


ENTITY = re.compile(r"&(#[xX][0-9a-fA-F]+|#[0-9]+|lt|gt|amp|quot|apos);")
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}


def unescape(s):
    def one(m):
        e = m[1]
        if e[0] != "#":
            return NAMED[e]
        n = int(e[2:], 16) if e[1] in "xX" else int(e[1:])
        return chr(n) if n < 0x110000 else ""
    return ENTITY.sub(one, s) if "&" in s else s


DROPPED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00)?")
HEX = re.compile(r"0[xX]0*([0-9a-fA-F]+)")
WHOLE = re.compile(r"(-?[0-9]+)\.0")
GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")


def normal(s):
    s = DROPPED.sub("", s).replace("\r\n", "\n")
    if not s.strip():
        return ""
    m = TIME.fullmatch(s)
    if m:
        return "%sT%s.%sZ" % (m[1], m[2], ((m[3] or "") + "000000")[:6])
    m = HEX.fullmatch(s)
    if m:
        return "0x" + m[1].lower()
    m = WHOLE.fullmatch(s)
    if m:
        return m[1]
    if s.lower() in ("true", "false"):
        return s.lower()
    m = GUID.fullmatch(s)
    if m:
        return "{" + m[1].upper() + "}"
    return s


def escape(s):
    return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


if __name__ == "__main__":
    main()
