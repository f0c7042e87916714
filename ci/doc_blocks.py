#!/usr/bin/env python3
"""doc_blocks.py: runs the shell blocks of the documents against a build, and compares what they quote with what is printed.
SPDX-License-Identifier: MIT

Usage: ci/doc_blocks.py BUILD [--long] [--timeout SECONDS] [FILE...]   default: README.md and docs/**/*.md

A shell block is fenced and says in its first line how it is run:

    ```sh                  commands, run as one script that has to exit with 0
    ```console             lines that begin with "$ " are commands, those that follow are what they print, on stdout and
                           then on stderr; each is a shell of its own
    ```console status 1    the last command exits with 1
    ```console numbers     measured numbers differ from machine to machine: each number with a point, an exponent or 0x stands
                           for any number, each gap of blanks for any gap; whole numbers are quoted as they are
    ```sh long: WHY        takes minutes: run with --long alone (ci/nightly.sh)
    ```sh needs: WHAT      is not run here, since it needs what this test cannot have
    ```c file NAME         is no shell block: what the commands behind it find as NAME

In what is quoted, "..." stands for anything within a line, and alone in a line for any lines. The blocks of a document
run in its order in one scratch folder, whose lib and build/release are the build, whose ci, docs, fixtures and impl are
the tree's, and with the build's bin in PATH. A block that looks like a shell's and has no such fence is a failure.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```\s*(\S*)\s*(.*?)\s*$")
SHELLS = ("sh", "console")
OTHERS = ("c", "cmake", "python", "text", "html", "json")
LOOKS_LIKE_SHELL = re.compile(r"^(\$ |(sudo |[A-Z_]+=\S+ )*(assay|cc|c\+\+|gcc|cmake|ctest|cpack|dpkg|apt-get|pip|git|nvcc|python3|(\./)?ci/\S+\.sh"
                              r"|build/\S+|export|source|cd|mkdir)( |$))")
MEASURED = r"(?<![\w.+-])[-+]?(?:0x[0-9a-f]+|\d+\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?![\w.])"
NUMBER = r"[-+]?(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[-+]?\d+)?)"


class Block:
    def __init__(self, path, line, language, words, text):
        self.where = f"{path}:{line}"
        self.language, self.text = language, text
        self.status, self.numbers, self.long, self.needs, self.file, self.wrong = 0, False, None, None, None, None
        self.read_words(words)

    def read_words(self, words):
        if self.language == "c":
            found = re.fullmatch(r"file (\S+)", words)
            if words and not found:
                self.wrong = f"'{words}': expected 'file NAME'"
            self.file = found and found.group(1)
            return
        while words:
            if found := re.match(r"(long|needs):\s*(.*)$", words):
                setattr(self, found.group(1), found.group(2))
                self.wrong = None if found.group(2) else f"'{words}': expected the reason behind it"
                return
            if found := re.match(r"status (\d+)\s*", words):
                self.status = int(found.group(1))
            elif found := re.match(r"numbers\s*", words):
                self.numbers = True
            else:
                self.wrong = f"'{words}': expected status N, numbers, long: WHY or needs: WHAT"
                return
            words = words[found.end():]

    def commands(self):
        """(command, quoted lines) each; a backslash at the end of a command continues it."""
        if self.language == "sh":
            return [("\n".join(self.text), None)]
        out = []
        for line in self.text:
            if line.startswith("$ "):
                out.append((line[2:], []))
            elif out and out[-1][0].endswith("\\") and not out[-1][1]:
                out[-1] = (out[-1][0] + "\n" + line, [])
            elif out:
                out[-1][1].append(line)
            elif not self.wrong:
                self.wrong = "expected a command, '$ ...', in its first line"
        if not out and not self.wrong:
            self.wrong = "expected a command, '$ ...'"
        return out


def blocks_of(path, lines):
    """Fenced blocks, and complaints about those that look like a shell's and are not fenced as such."""
    blocks, complaints, at = [], [], 0
    while at < len(lines):
        fence, begin = FENCE.match(lines[at]), at + 1
        if fence:
            end = next((k for k in range(begin, len(lines)) if lines[k].rstrip() == "```"), None)
            if end is None:
                return blocks, complaints + [f"{path}:{begin}: the block has no end"]
            block = Block(path, begin, fence.group(1), fence.group(2), lines[begin:end])
            if block.language in SHELLS or block.language == "c":
                blocks.append(block)
            elif block.language not in OTHERS:
                complaints.append(f"{path}:{begin}: '```{block.language}': expected one of {' '.join(SHELLS + OTHERS)}")
            at = end
        elif LOOKS_LIKE_SHELL.match(lines[at].strip()) and re.match(r" {4}|\t", lines[at]):
            complaints.append(f"{path}:{begin}: looks like a shell's block: expected a fence, ```sh or ```console, that says how to run it")
            while at + 1 < len(lines) and re.match(r" {4}|\t", lines[at + 1]):
                at += 1
        at += 1
    return blocks, complaints


def pattern_of(quoted, numbers):
    """A regular expression for output that agrees with quoted lines."""
    out, pieces = "", re.compile(rf"(\.\.\.|{MEASURED}| +)" if numbers else r"(\.\.\.)")
    for line in quoted:
        if line.strip() == "...":
            out += r"(?:.*\n)*?"
            continue
        for piece in pieces.split(line.rstrip()):
            if piece == "...":
                out += ".*"
            elif numbers and re.fullmatch(MEASURED, piece):
                out += NUMBER
            elif numbers and piece and not piece.strip():
                out += " +"
            else:
                out += re.escape(piece)
        out += r"[ \t]*\n"
    return re.compile(out)


def first_difference(quoted, printed, numbers):
    """Which of the quoted lines was not printed behind those before it."""
    agree = [k for k in range(len(quoted) + 1) if pattern_of(quoted[:k] + ["..."], numbers).fullmatch(printed)]
    return f"not printed: '{quoted[agree[-1]].strip()}'" if agree[-1] < len(quoted) else "prints more than is quoted"


def run_command(command, folder, environment, timeout):
    """(exit status, stdout and then stderr); None where it took too long. Whatever it started ends with it."""
    child = subprocess.Popen(["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    try:
        out, err = child.communicate(timeout=timeout)
        return child.returncode, out + err
    except subprocess.TimeoutExpired:
        return None
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()


def run_block(block, folder, environment, timeout, kept):
    """None, or what is wrong; what disagrees with its quote is kept in a file."""
    commands = block.commands()
    if block.wrong:
        return block.wrong
    for k, (command, quoted) in enumerate(commands):
        wanted = block.status if k == len(commands) - 1 else 0
        done = run_command(command, folder, environment, timeout)
        if done is None:
            return f"'{command}': not done after {timeout} s"
        status, printed = done
        if status != wanted:
            last = printed.rstrip().rsplit("\n", 1)[-1]
            return f"'{command}': exit status {status}, expected {wanted}; the last line: {last}"
        if quoted is not None and not pattern_of(quoted, block.numbers).fullmatch(printed):
            kept.write_text(printed, encoding="utf-8")
            return f"'{command}': {first_difference(quoted, printed, block.numbers)}; see {kept}"
    return None


def make_scratch(folder, build):
    (folder / "build").mkdir()
    for name, target in (("build/release", build), ("lib", build / "lib"), ("ci", ROOT / "ci"), ("impl", ROOT / "impl"),
                         ("fixtures", ROOT / "fixtures"), ("docs", ROOT / "docs")):
        (folder / name).symlink_to(target)


def run_document(path, build, long, timeout, count):
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        return [f"{path}: could not be read: {error.strerror}"]
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    blocks, complaints = blocks_of(name, lines)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="doc_blocks."))
    folder.chmod(0o755)  # workers of root are somebody else, and load what a block built
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_")}
    environment.update(PATH=f"{build / 'bin'}:{os.environ['PATH']}", LC_ALL="C", NO_COLOR="1", XDG_CACHE_HOME=str(folder / "cache"))
    try:
        make_scratch(folder, build)
        for block in blocks:
            if block.file and not block.wrong:
                (folder / block.file).write_text("\n".join(block.text) + "\n", encoding="utf-8")
            if block.language == "c" and not block.wrong:
                continue
            if block.wrong:
                complaints.append(f"{block.where}: {block.wrong}")
            elif block.needs or (block.long and not long):
                count["needs" if block.needs else "long"] += 1
            else:
                count["run"] += 1
                wrong = run_block(block, folder, environment, timeout, build / f"doc_blocks.{path.stem}.txt")
                if wrong:
                    complaints.append(f"{block.where}: {wrong}")
    finally:
        shutil.rmtree(folder)
    return complaints


def main():
    options = argparse.ArgumentParser(prog="doc_blocks.py")
    options.add_argument("build", type=pathlib.Path)
    options.add_argument("--long", action="store_true")
    options.add_argument("--timeout", type=int, default=60)
    options.add_argument("files", nargs="*", type=pathlib.Path)
    given = options.parse_intermixed_args()
    build = given.build.resolve()
    if not (build / "bin" / "assay").exists():
        print(f"doc_blocks: {build}/bin/assay: expected the program of a build", file=sys.stderr)
        return 2
    files = [f.resolve() for f in given.files] or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    count, complaints = {"run": 0, "long": 0, "needs": 0}, []
    for path in files:
        complaints += run_document(path, build, given.long, given.timeout, count)
    for complaint in complaints:
        print(complaint)
    print(f"doc_blocks: {len(files)} documents, {count['run']} blocks run, {count['long']} left to --long, {count['needs']} marked as "
          f"needing something, {len(complaints)} failures")
    return 1 if complaints else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("doc_blocks: interrupted")
