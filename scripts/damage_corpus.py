#!/usr/bin/env python3
"""Choose real files for the bars of damage, and pack and encrypt some of them anew.

    scripts/damage_corpus.py OUT ROOT...

Files are chosen by the hash of their path, at most as many of one extension as MOST, between 128 bytes and 3 MB. What the
machine has no files of is made from those that were chosen: archives, databases, media, and 240 files encrypted by right.
OUT gets files/EXT/NAME and honest/NAME. Nothing of it belongs into the project.

It needs py7zr, pyzipper, zstandard, lz4, brotli and cryptography (PyPI), gpg and openssl; imageio-ffmpeg, pyarrow, pyrage and
h5py are used where they are.
"""
import bz2, collections, gzip, hashlib, io, lzma, os, shutil, sqlite3, subprocess, sys, zipfile, zlib

MOST, LEAST = 90, 6
SKIP = {"", "0", "page", "pyc~"}


def key(path):
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()


def choose(roots):
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
    return {e: sorted(ps, key=key)[:MOST] for e, ps in by.items() if len(ps) >= LEAST}


def save(out, name, data):
    os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def packed(out, pool):
    import brotli, lz4.frame, py7zr, pyzipper, zstandard
    ways = {
        "7z": lambda n, b: seven(py7zr, n, b, None), "xz": lambda n, b: lzma.compress(b), "lzma": lambda n, b: lzma.compress(b, format=lzma.FORMAT_ALONE),
        "bz2": lambda n, b: bz2.compress(b), "gz": lambda n, b: gzip.compress(b), "zst": lambda n, b: zstandard.compress(b, 3), "lz4": lambda n, b: lz4.frame.compress(b),
        "br": lambda n, b: brotli.compress(b, quality=5), "zz": lambda n, b: zlib.compress(b), "zip": lambda n, b: zipped(n, b), "sqlite": table, "tar": tarred, "npz": npz,
    }
    for k, (way, make) in enumerate(ways.items()):
        for i in range(90):
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
    ways = {"mp3": sounds, "flac": sounds, "m4a": sounds, "wma": sounds, "opus": sounds, "mp4": pictures, "webm": pictures, "mkv": pictures, "avi": pictures, "mpg": pictures, "webp": pictures, "tif": pictures, "bmp": pictures, "jp2": pictures}
    for way, source in ways.items():
        os.makedirs(f"{out}/files/{way}", exist_ok=True)
        for i, p in enumerate(source[:40]):
            moving = ["-loop", "1", "-t", "2", "-i", p, "-vf", "zoompan=z=1+on/50:d=1:s=320x240:fps=12,format=yuv420p"] if way in ("mp4", "webm", "mkv", "avi", "mpg") else ["-t", "12", "-i", p]
            if way in ("webp", "tif", "bmp", "jp2"):
                moving = ["-i", p, "-frames:v", "1"]
            subprocess.run([tool, "-v", "quiet", "-y", *moving, *(["-r", "24"] if way == "mpg" else []), f"{out}/files/{way}/made{i}.{way}"], timeout=60, stdin=subprocess.DEVNULL)


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


def main():
    out, roots = sys.argv[1], sys.argv[2:]
    chosen = choose(roots)
    pool = []
    for ext, paths in sorted(chosen.items()):
        for i, p in enumerate(paths):
            save(out, f"files/{ext}/{key(p)[:8]}.{ext}", open(p, "rb").read())
            pool.append(p)
    pool.sort(key=key)
    packed(out, pool)
    media(out, pool)
    honest(out, pool)
    n = {e: len(os.listdir(f"{out}/files/{e}")) for e in os.listdir(f"{out}/files")}
    print(sum(n.values()), "files of", len(n), "extensions;", len(os.listdir(f"{out}/honest")), "encrypted by right")


main()
