#!/usr/bin/env bash
# Fetches what judges Wardround in tests: parsers and validators by others, and a browser. All is pinned and lies in
# .judges; nothing of it is needed to build or run Wardround. What cannot be had is named, and the tests that need it
# say that they skip. Ends well either way.
set -u
cd "$(dirname "$0")/.."
here=scripts/judges
dir=.judges
mkdir -p "$dir"

want=$(cat "$here"/* "$0" | sha256sum | cut -d' ' -f1)
have() { [ "$(cat "$dir/$1.stamp" 2>/dev/null)" = "$want" ]; }
done_with() { echo "$want" >"$dir/$1.stamp"; }
without() { echo "judges: no $1: $2; the tests that ask it will skip" >&2; }
apt() {
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
	[ -n "${updated:-}" ] || apt-get -qq update >"$dir/apt.log" 2>&1
	updated=yes
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >>"$dir/apt.log" 2>&1
}

if ! have python; then
	if ! command -v python3 >/dev/null || ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
		apt python3 python3-venv
	fi
	rm -rf "$dir/bin" "$dir/lib" "$dir/lib64" "$dir/include" "$dir/pyvenv.cfg"
	if python3 -m venv "$dir" >"$dir/python.log" 2>&1 &&
		"$dir/bin/pip" install --disable-pip-version-check --quiet --require-hashes -r "$here/requirements.txt" >>"$dir/python.log" 2>&1; then
		done_with python
	else
		without "Python judges" "$(tail -n 1 "$dir/python.log")"
	fi
fi

if have python && ! have engine; then
	if "$dir/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes -r "$here/engine.txt" >"$dir/engine.log" 2>&1; then
		done_with engine
	else
		without "other engine of Sigma" "$(tail -n 1 "$dir/engine.log")"
	fi
fi

if ! have node; then
	command -v npm >/dev/null || apt nodejs npm
	cp "$here/package.json" "$here/package-lock.json" "$dir/"
	if (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >node.log 2>&1); then
		done_with node
	else
		without "judges of pages" "$(head -n 1 "$dir/node.log" 2>/dev/null)"
	fi
fi

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
	apt chromium || without chromium "it is not installed, and only root can install it here"
fi
exit 0
