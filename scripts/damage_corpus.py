#!/usr/bin/env python3
"""Choose real files for the bars of damage, and pack and encrypt some of them anew.

    scripts/damage_corpus.py OUT ROOT... [--without ROOT...] [--hold OUT2] [--most 90] [--least 6]

Files are chosen by the hash of their path, at most so many of one extension, between 128 bytes and 3 MB, each content once.
What the machine has no files of is made from those that were chosen: archives, databases, documents, pictures, media, disks,
and 240 files encrypted by right. OUT gets files/EXT/NAME and honest/NAME. --without leaves out every content that a tree
holds, so that what is measured did not teach; --hold puts a third of all apart, to be looked at last. Nothing of it belongs
into the project.

It needs py7zr, pyzipper, zstandard, lz4, brotli and cryptography (PyPI), gpg and openssl. What else it makes, it makes where
the library is there: imageio-ffmpeg, pyrage, pillow, openpyxl, xlwt, python-docx, python-pptx, odfpy, fpdf2, pyarrow, h5py,
scipy, fastavro, pyshp, pycdlib, pyreadr.
"""
import argparse, base64, bz2, collections, gzip, hashlib, io, lzma, os, shutil, sqlite3, subprocess, zipfile, zlib

SKIP = {"", "0", "page", "pyc~"}


def key(path):
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def walk(roots):
    for root in roots:
        for d, dirs, names in os.walk(root):
            dirs.sort()
            for n in sorted(names):
                p = os.path.join(d, n)
                if os.path.isfile(p) and not os.path.islink(p):
                    yield p


def choose(roots, without, most, least):
    """The chosen paths by extension. Of contents that stand twice, the first is taken."""
    by = candidates(roots)
    sizes = {os.path.getsize(p) for ps in by.values() for p in ps}
    seen = {digest(p) for p in walk(without) if os.path.getsize(p) in sizes}
    out = {}
    for e, ps in sorted(by.items()):
        taken = []
        for p in sorted(ps, key=key):
            if len(taken) < most and (sum := digest(p)) not in seen:
                seen.add(sum)
                taken.append(p)
        if len(taken) >= least:
            out[e] = taken
    return out


def candidates(roots):
    by = collections.defaultdict(list)
    for root in roots:
        for d, dirs, names in os.walk(root):
            dirs.sort()
            for n in names:
                p = os.path.join(d, n)
                ext = n.rsplit(".", 1)[-1].lower() if "." in n[1:] else ""
                if ext in SKIP or len(ext) > 8 or not ext.isalnum() or ext.isdigit() or os.path.islink(p):
                    continue
                try:
                    size = os.path.getsize(p)
                except OSError:
                    continue
                if 128 <= size <= 3 << 20:
                    by[ext].append(p)
    return by


def save(out, name, data):
    os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def packed(out, pool, most):
    import brotli, lz4.frame, py7zr, zstandard
    ways = {
        "7z": lambda n, b: seven(py7zr, n, b, None), "xz": lambda n, b: lzma.compress(b), "lzma": lambda n, b: lzma.compress(b, format=lzma.FORMAT_ALONE),
        "bz2": lambda n, b: bz2.compress(b), "gz": lambda n, b: gzip.compress(b), "zst": lambda n, b: zstandard.compress(b, 3), "lz4": lambda n, b: lz4.frame.compress(b),
        "br": lambda n, b: brotli.compress(b, quality=5), "zz": lambda n, b: zlib.compress(b), "zip": lambda n, b: zipped(n, b), "sqlite": table, "tar": tarred, "npz": npz,
    }
    for k, (way, make) in enumerate(ways.items()):
        for i in range(most):
            group = [pool[(7919 * (k + 1) + 31 * i + j) % len(pool)] for j in range(1 + i % 5)]
            data = b"".join(open(p, "rb").read() for p in group)[: 2 << 20]
            try:
                b = make(os.path.basename(group[0]), data)
            except Exception as e:
                print(way, e)
                break
            if b is not None:
                save(out, f"files/{way}/packed{i}.{way}", b)


def seven(py7zr, name, b, password):
    f = io.BytesIO()
    with py7zr.SevenZipFile(f, "w", password=password) as z:
        z.writestr(b, name)
    return f.getvalue()


def zipped(name, b):
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, b)
    return f.getvalue()


def tarred(name, b):
    import tarfile
    f = io.BytesIO()
    with tarfile.open(fileobj=f, mode="w") as t:
        for i in range(0, len(b), 1 + len(b) // 7):
            m = tarfile.TarInfo(f"{i}-{name}"[:90])
            m.size = len(b[i : i + 1 + len(b) // 7])
            t.addfile(m, io.BytesIO(b[i : i + m.size]))
    return f.getvalue()


def npz(name, b):
    import numpy
    f = io.BytesIO()
    numpy.savez_compressed(f, a=numpy.frombuffer(b, dtype="u1"))
    return f.getvalue()


def table(name, b):
    path = "/tmp/damage-corpus.sqlite"
    if os.path.exists(path):
        os.remove(path)
    db = sqlite3.connect(path)
    db.execute("create table visits(id integer primary key, who text, what text, note blob)")
    lines = b.split(b"\n")[:20000]
    db.executemany("insert into visits(who, what, note) values(?,?,?)", [(hashlib.md5(x).hexdigest()[:8], x.decode("latin1")[:200], x[:300]) for x in lines])
    db.execute("create index who on visits(who)")
    db.commit()
    db.close()
    return open(path, "rb").read()


def media(out, pool):
    try:
        import imageio_ffmpeg
    except ImportError:
        return
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    sounds = [p for p in pool if p.endswith((".ogg", ".oga", ".wav", ".opus"))]
    pictures = [p for p in pool if p.endswith((".png", ".jpg"))]
    ways = {w: sounds for w in "mp3 flac m4a wma opus aac ac3 aiff au wav mp2 wv tta mka".split()}
    ways |= {w: pictures for w in "mp4 webm mkv avi mpg mov wmv flv ts 3gp".split()} | {w: pictures for w in "webp tif bmp jp2 dpx fits".split()}
    for way, source in ways.items():
        os.makedirs(f"{out}/files/{way}", exist_ok=True)
        for i, p in enumerate(source[:40]):
            moving = ["-loop", "1", "-t", "2", "-i", p, "-vf", "zoompan=z=1+on/50:d=1:s=320x240:fps=12,format=yuv420p"] if ways[way] is pictures else ["-t", "12", "-i", p]
            if way in ("webp", "tif", "bmp", "jp2", "dpx", "fits"):
                moving = ["-i", p, "-frames:v", "1"]
            subprocess.run([tool, "-v", "quiet", "-y", *moving, *(["-r", "24"] if way in ("mpg", "3gp") else []), f"{out}/files/{way}/made{i}.{way}"], timeout=60, stdin=subprocess.DEVNULL)


def texts(pool):
    """Paths of text among the chosen, for what is made of lines."""
    out = []
    for p in pool:
        b = open(p, "rb").read(4096)
        try:
            b.decode()
        except UnicodeDecodeError:
            continue
        if b and min(b) > 8:
            out.append(p)
    return out


def lines_of(p, most=400):
    return [l[:200] for l in "".join(c for c in open(p, errors="replace").read(60000) if c.isprintable() or c == "\n").split("\n") if l.strip()][:most]


def document_makers():
    """Ways to write lines as a document: extension, and a function of a path and lines."""
    def xlsx(path, lines):
        import openpyxl
        w = openpyxl.Workbook()
        for l in lines:
            w.active.append([x.lstrip("=") for x in l.split()[:12]])
        w.save(path)

    def xls(path, lines):
        import xlwt
        w = xlwt.Workbook()
        s = w.add_sheet("a")
        for i, l in enumerate(lines):
            for k, x in enumerate(l.split()[:12]):
                s.write(i, k, x)
        w.save(path)

    def docx(path, lines):
        import docx
        d = docx.Document()
        for l in lines:
            d.add_paragraph(l)
        d.save(path)

    def pptx(path, lines):
        import pptx
        d = pptx.Presentation()
        for l in lines[:20]:
            d.slides.add_slide(d.slide_layouts[5]).shapes.title.text = l
        d.save(path)

    def odt(path, lines):
        from odf.opendocument import OpenDocumentText
        from odf.text import P
        d = OpenDocumentText()
        for l in lines:
            d.text.addElement(P(text=l))
        d.save(path)

    def pdf(path, lines):
        import fpdf
        d = fpdf.FPDF()
        d.set_font("Helvetica", size=10)
        for i in range(0, len(lines), 50):
            d.add_page()
            for l in lines[i : i + 50]:
                d.cell(0, 5, l.encode("latin1", "replace").decode("latin1"), new_x="LMARGIN", new_y="NEXT")
        d.output(path)

    def rtf(path, lines):
        save("", path, ("{\\rtf1\\ansi " + "\\par\n".join(l.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}") for l in lines) + "}").encode("latin1", "replace"))

    def eml(path, lines):
        from email.message import EmailMessage
        m = EmailMessage()
        m["Subject"], m["From"], m["To"] = lines[0][:60].strip() or "x", "ward@hospital.example", "lab@hospital.example"
        m.set_content("\n".join(lines))
        m.add_attachment("\n".join(lines[:100]).encode(), maintype="application", subtype="octet-stream", filename="a.bin")
        save("", path, m.as_bytes())

    def mbox(path, lines):
        out = []
        for i in range(0, len(lines), 20):
            out.append("From ward@hospital.example Mon Nov  7 10:00:00 2022\nSubject: %s\n\n%s\n\n" % (lines[i][:60], "\n".join(lines[i : i + 20])))
        save("", path, "".join(out).encode())

    def ics(path, lines):
        events = "".join("BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:20221107T100000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\n" % (i, l) for i, l in enumerate(lines))
        save("", path, ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + events + "END:VCALENDAR\r\n").encode())

    return {f.__name__: f for f in (xlsx, xls, docx, pptx, odt, pdf, rtf, eml, mbox, ics)}


def table_makers():
    """Ways to write columns of numbers and words."""
    def frame(lines):
        import numpy
        return {"n": numpy.array([len(l) * 1.37 for l in lines]), "k": numpy.array([zlib.crc32(l[:3].encode()) % 97 for l in lines])}

    def parquet(path, lines):
        import pyarrow, pyarrow.parquet
        pyarrow.parquet.write_table(pyarrow.table({**frame(lines), "s": lines}), path, compression=["none", "snappy", "zstd"][len(lines) % 3])

    def feather(path, lines):
        import pyarrow, pyarrow.feather
        pyarrow.feather.write_feather(pyarrow.table({**frame(lines), "s": lines}), path, compression=["uncompressed", "lz4"][len(lines) % 2])

    def orc(path, lines):
        import pyarrow, pyarrow.orc
        pyarrow.orc.write_table(pyarrow.table({**frame(lines), "s": lines}), path)

    def avro(path, lines):
        import fastavro
        with open(path, "wb") as f:
            fastavro.writer(f, {"type": "record", "name": "r", "fields": [{"name": "s", "type": "string"}]}, [{"s": l} for l in lines], codec=["null", "deflate"][len(lines) % 2])

    def h5(path, lines):
        import h5py
        with h5py.File(path, "w") as f:
            for k, v in frame(lines).items():
                f.create_dataset(k, data=v, compression="gzip" if len(lines) % 2 else None)
            f.create_dataset("s", data=[l.encode() for l in lines])

    def nc(path, lines):
        from scipy.io import netcdf_file
        with netcdf_file(path, "w") as f:
            f.createDimension("i", len(lines))
            for k, v in frame(lines).items():
                f.createVariable(k, "d", ("i",))[:] = v

    def mat(path, lines):
        from scipy.io import savemat
        savemat(path, {**frame(lines), "s": lines}, do_compression=len(lines) % 2 == 0)

    def npy(path, lines):
        import numpy
        numpy.save(path, frame(lines)["n"])

    def rdata(path, lines):
        import pandas, pyreadr
        pyreadr.write_rdata(path, pandas.DataFrame({**frame(lines), "s": lines}), compress="gzip" if len(lines) % 2 else None)

    def shp(path, lines):
        import shapefile
        for ext in ("shp", "dbf"):
            os.makedirs(os.path.join(os.path.dirname(os.path.dirname(path)), ext), exist_ok=True)
        stem = path[:-4]
        with shapefile.Writer(stem) as w:
            w.field("s", "C", 60)
            for i, l in enumerate(lines):
                w.point(len(l) * 1.1, i * 0.7)
                w.record(l[:60].strip().encode("ascii", "replace").decode())
        os.replace(stem + ".dbf", stem.replace("/shp/", "/dbf/") + ".dbf")
        os.remove(stem + ".shx")

    def iso(path, lines):
        import pycdlib
        c = pycdlib.PyCdlib()
        c.new()
        b = "\n".join(lines).encode()
        for i in range(1 + len(lines) % 5):
            c.add_fp(io.BytesIO(b), len(b), "/A%d.TXT;1" % i)
        c.write(path)
        c.close()

    def b64(path, lines):
        save("", path, base64.encodebytes(zlib.compress("\n".join(lines).encode())))

    return {f.__name__: f for f in (parquet, feather, orc, avro, h5, nc, mat, npy, rdata, shp, iso, b64)}


def made(out, pool, most):
    source = texts(pool)
    for way, make in {**document_makers(), **table_makers()}.items():
        done = 0
        for i in range(4 * most):
            lines = lines_of(source[(104729 + 37 * i) % len(source)])
            if len(lines) < 12 or done == most:
                continue
            path = f"{out}/files/{way}/made{i}.{way}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            try:
                make(path, lines)
                done += 1
            except ImportError as e:
                print(way, e)
                break
            except Exception as e:
                if os.path.exists(path):
                    os.remove(path)
                if i == 0:
                    print(way, e)


def pictures(out, pool, most):
    try:
        from PIL import Image
    except ImportError:
        return
    source = [p for p in pool if p.lower().endswith((".png", ".jpg", ".jpeg", ".webp"))]
    ways = {"bmp": "BMP", "dds": "DDS", "gif": "GIF", "ico": "ICO", "jp2": "JPEG2000", "jpg": "JPEG", "pcx": "PCX", "ppm": "PPM", "sgi": "SGI", "tga": "TGA", "tif": "TIFF", "webp": "WEBP", "avif": "AVIF", "eps": "EPS", "icns": "ICNS"}
    for way, kind in ways.items():
        for i, p in enumerate(source[:most]):
            f = io.BytesIO()
            try:
                m = Image.open(p).convert("RGB")
                m.thumbnail((400, 400))
                m.save(f, kind, **({"compression": ["raw", "tiff_lzw", "jpeg", "tiff_deflate"][i % 4]} if way == "tif" else {}))
            except Exception as e:
                if i == 0:
                    print(way, e)
                continue
            save(out, f"files/{way}/drawn{i}.{way}", f.getvalue())


def honest(out, pool):
    import py7zr, pyzipper
    from cryptography.hazmat.primitives.serialization import pkcs12, BestAvailableEncryption
    tmp = os.path.join(out, "tmp")
    os.makedirs(tmp, exist_ok=True)
    home = os.path.join(tmp, "gnupg")
    os.makedirs(home, mode=0o700, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{tmp}/k.pem", "-out", f"{tmp}/c.pem", "-subj", "/CN=x", "-days", "9"], check=True, capture_output=True)
    for i in range(40):
        p = pool[(i * 97 + 5) % len(pool)]
        b = open(p, "rb").read()
        name = os.path.basename(p)
        subprocess.run(["gpg", "--homedir", home, "--batch", "--yes", "--passphrase", f"w{i}", "--pinentry-mode", "loopback", "-c", "-o", f"{tmp}/o", p], check=True, capture_output=True)
        save(out, f"honest/{i}-{name}.gpg", open(f"{tmp}/o", "rb").read())
        subprocess.run(["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", f"pass:w{i}", "-in", p, "-out", f"{tmp}/o"], check=True, capture_output=True)
        save(out, f"honest/{i}-{name}.enc", open(f"{tmp}/o", "rb").read())
        subprocess.run(["openssl", "cms", "-encrypt", "-binary", "-aes256", "-outform", "DER", "-in", p, "-out", f"{tmp}/o", f"{tmp}/c.pem"], check=True, capture_output=True)
        save(out, f"honest/{i}-{name}.p7m", open(f"{tmp}/o", "rb").read())
        save(out, f"honest/{i}-{name}.7z", seven(py7zr, name, b, f"w{i}"))
        f = io.BytesIO()
        with pyzipper.AESZipFile(f, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as z:
            z.setpassword(b"w")
            z.writestr(name, b)
        save(out, f"honest/{i}-{name}.zip", f.getvalue())
        try:
            import pyrage
            save(out, f"honest/{i}-{name}.age", pyrage.passphrase.encrypt(b, f"w{i}"))
        except ImportError:
            pass
    shutil.rmtree(tmp)


def corpus(out, chosen, most):
    pool = []
    for ext, paths in sorted(chosen.items()):
        for p in paths:
            save(out, f"files/{ext}/{key(p)[:8]}.{ext}", open(p, "rb").read())
            pool.append(p)
    pool.sort(key=key)
    packed(out, pool, most)
    media(out, pool)
    made(out, pool, most // 2)
    pictures(out, pool, most // 2)
    honest(out, pool)
    for p in walk([f"{out}/files"]):
        if os.path.getsize(p) < 128:
            os.remove(p)
    n = {e: len(os.listdir(f"{out}/files/{e}")) for e in os.listdir(f"{out}/files")}
    print(sum(n.values()), "files of", len(n), "extensions;", len(os.listdir(f"{out}/honest")), "encrypted by right")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out")
    a.add_argument("roots", nargs="+")
    a.add_argument("--without", nargs="*", default=[])
    a.add_argument("--hold")
    a.add_argument("--most", type=int, default=90)
    a.add_argument("--least", type=int, default=6)
    a = a.parse_args()
    chosen = choose(a.roots, a.without, a.most, a.least)
    held = {e: [p for p in ps if a.hold and int(digest(p), 16) % 3 == 0] for e, ps in chosen.items()}
    corpus(a.out, {e: [p for p in ps if p not in held[e]] for e, ps in chosen.items()}, a.most)
    if a.hold:
        corpus(a.hold, held, a.most // 2)


main()
