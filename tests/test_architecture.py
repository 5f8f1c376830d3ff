"""The rules of the house, read from the code. Each rule is also shown a planted violation, so that it can fail."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("core", "models", "exchange", "ui", "pages", "tests")
PURE = ("core/ingestion/feeds/", *(f"core/features/{name}" for name in ("bars", "windows", "formulas", "labels")))
IMPURE = (
    "aiohttp asyncio concurrent ctypes glob http httpx io logging mmap multiprocessing os pathlib requests select"
    " shutil signal socket sqlite3 ssl subprocess tempfile threading time urllib websockets"
).split()
ADAPTERS = {
    "websockets": ("core/ingestion/capture", "exchange/", "tests/"),
    "httpx": ("core/ingestion/capture", "exchange/", "tests/"),
    "sqlite3": ("core/ingestion/store", "core/live/forecasts", "core/live/escrow", "core/live/alerts", "tests/"),
    "pyarrow.parquet": ("core/ingestion/store", "core/live/forecasts", "core/features/dataset", "tests/"),
    "mlflow": ("core/training/", "tests/"),
    "evidently": ("core/evaluation/drift", "tests/"),
    "optuna": ("core/training/", "tests/"),
    "xgboost": ("models/", "tests/"),
    "matplotlib": ("core/evaluation/", "core/training/", "tests/"),
    "streamlit": ("ui/", "pages/", "app.py", "tests/"),
    "plotly": ("ui/", "run.py", "tests/"),
    "exchange": ("exchange/", "core/commands", "run.py", "tests/"),
    "urllib.request": ("tests/",),
    "requests": (),
    "aiohttp": (),
}
HEAVY = ("mlflow", "evidently", "optuna", "xgboost", "sklearn", "matplotlib", "httpx")
LAYERS = ("errors", "config", "jobs", "ingestion", "features", "evaluation", "training", "live", "commands", "__main__")
BROAD = {"Exception", "BaseException"}
AVOIDED = {"handle", "handles", "manager", "managers", "util", "utils", "helper", "helpers"}

Found = Iterator[tuple[int, str]]
Rule = Callable[[str, ast.Module], Found]


def within(path: str, *places: str) -> bool:
    """Whether `path` is one of the places: `a/b` stands for a/b.py and for the folder a/b alike."""
    return any(path == p or path.startswith(p if p.endswith("/") else (p + "/", p + ".py")) for p in places)


def is_part(module: str, *roots: str) -> bool:
    return any(module == root or module.startswith(root + ".") for root in roots)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that is imported; `from a import b` gives a.b, which may be a module or a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def at_import(tree: ast.Module) -> ast.Module:
    """The statements that run when the module is imported: no functions, nothing for the type checker alone."""
    body = [n for n in tree.body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n.test))]
    body = [n for n in body if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in body:
        if isinstance(node, ast.ClassDef):
            node.body = [n for n in node.body if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return ast.Module(body, [])


def no_browser_below_the_pages(path: str, tree: ast.Module) -> Found:
    if within(path, "core", "models", "exchange"):
        yield from ((line, name) for line, name in imported(tree) if is_part(name, "streamlit", "ui", "pages"))


def pages_are_thin(path: str, tree: ast.Module) -> Found:
    if within(path, "pages", "app"):
        for line, name in imported(tree):
            if not is_part(name, "streamlit", "ui", "core", "__future__") or "._" in name:
                yield line, f"{name}: pages import streamlit, ui and public names of core"


def no_clock_file_or_network(path: str, tree: ast.Module) -> Found:
    if within(path, *PURE):
        yield from ((line, name) for line, name in imported(tree) if is_part(name, *IMPURE))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"open", "print", "input"}:
                yield node.lineno, ast.unparse(node.func)
            if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}:
                yield node.lineno, f"{node.attr}: time is an argument"


def one_adapter_a_service(path: str, tree: ast.Module) -> Found:
    names = list(imported(tree))
    names += [
        (n.lineno, "pyarrow.parquet")
        for n in ast.walk(tree)
        if getattr(n, "attr", "") in {"to_parquet", "read_parquet"}
    ]
    for line, name in names:
        for service, places in ADAPTERS.items():
            if is_part(name, service) and not within(path, *places):
                yield line, f"{name} belongs in {', '.join(places) or 'no file'}"


def heavy_imports_wait(path: str, tree: ast.Module) -> Found:
    heavy = ("xgboost",) if within(path, "models") else HEAVY if not within(path, "tests") else ()
    yield from ((line, name) for line, name in imported(at_import(tree)) if is_part(name, *heavy))


def layer(module: str) -> int:
    parts = module.split(".")
    return LAYERS.index(parts[1]) if len(parts) > 1 and parts[0] == "core" and parts[1] in LAYERS else 0


def imports_point_one_way(path: str, tree: ast.Module) -> Found:
    module = path.removesuffix(".py").replace("/", ".")
    most = layer(module) if is_part(module, "core") else LAYERS.index("ingestion")
    if is_part(module, "core", "models", "exchange"):
        for line, name in imported(tree):
            if layer(name) > most or name.startswith("."):
                yield line, f"{name} is above {module}, or not written in full"


def session_state_in_one_place(path: str, tree: ast.Module) -> Found:
    if not within(path, "ui/state", "tests"):
        yield from ((n.lineno, "session_state") for n in ast.walk(tree) if getattr(n, "attr", "") == "session_state")


def charts_never_draw(path: str, tree: ast.Module) -> Found:
    if within(path, "ui/charts"):
        yield from ((line, name) for line, name in imported(tree) if is_part(name, "streamlit"))


def errors_are_not_values(path: str, tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        kinds = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else set()
        returns = any(isinstance(n, ast.Return) and n.value is not None for b in node.body for n in ast.walk(b))
        silent = all(isinstance(n, ast.Pass | ast.Continue) for n in node.body)
        if node.type is None:
            yield node.lineno, "bare except"
        elif kinds & BROAD and (returns or silent):
            yield node.lineno, "a broad except that returns a value or says nothing"


def caches_end(_: str, tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        calls = [node] if isinstance(node, ast.Call) else []
        bare = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else []
        for used in [call.func for call in calls] + [d for d in bare if not isinstance(d, ast.Call)]:
            given = {k.arg for call in calls for k in call.keywords}
            if ast.unparse(used).split(".")[-1] in {"cache_data", "cache_resource"} and not given & {
                "ttl",
                "max_entries",
            }:
                yield used.lineno, "a cache without ttl or max_entries"


def names_say_what(path: str, tree: ast.Module) -> Found:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = [(1, Path(path).stem)] + [(n.lineno, n.name) for n in ast.walk(tree) if isinstance(n, kinds)]
    for line, name in names:
        if {word.lower() for word in re.findall(r"[A-Z]?[a-z]+", name)} & AVOIDED:
            yield line, f"{name}: a name the project avoids"


def public_functions_explain(path: str, tree: ast.Module) -> Found:
    if within(path, "core", "models", "exchange") and not within(path, "core/commands"):
        for node in tree.body:
            kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
            if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node):
                yield node.lineno, f"{node.name} has no docstring"


# rule, a file it holds for, a violation of it, and the same file as it should be
PLANTS: list[tuple[Rule, str, str, str]] = [
    (no_browser_below_the_pages, "core/jobs.py", "import streamlit as st", "import streamlitx"),
    (no_browser_below_the_pages, "models/a.py", "def f():\n from ui.theme import blue", "from core import ui"),
    (pages_are_thin, "pages/1_A.py", "import numpy as np", "import streamlit as st\nfrom ui.shell import open_page"),
    (pages_are_thin, "app.py", "from core.jobs import _record", "from core.jobs import read"),
    (no_clock_file_or_network, "core/ingestion/feeds/a.py", "from time import time_ns", "import msgspec"),
    (no_clock_file_or_network, "core/features/bars/a.py", "x = open('a')", "def f(t): return t.open"),
    (no_clock_file_or_network, "core/features/labels.py", "datetime.now()", "datetime.fromisoformat('2026')"),
    (one_adapter_a_service, "core/live/monitor.py", "import sqlite3", "from core.ingestion.store import Reader"),
    (one_adapter_a_service, "core/ingestion/capture2.py", "import websockets.asyncio", "import msgspec"),
    (one_adapter_a_service, "core/commands/export.py", "frame.to_parquet('a')", "frame.to_numpy()"),
    (heavy_imports_wait, "core/a.py", "from sklearn.svm import SVC", "def f():\n import mlflow"),
    (
        heavy_imports_wait,
        "models/a.py",
        "class A:\n import xgboost",
        "import sklearn\nif TYPE_CHECKING:\n import xgboost",
    ),
    (imports_point_one_way, "core/features/a.py", "def f():\n from core.live import b", "from core.ingestion import b"),
    (imports_point_one_way, "core/evaluation/a.py", "from core import training", "from core import features"),
    (imports_point_one_way, "models/a.py", "from core.training.fit import train", "from core.errors import BadInput"),
    (imports_point_one_way, "core/live/a.py", "from .b import c", "from core.live.b import c"),
    (session_state_in_one_place, "ui/shell.py", "st.session_state['a'] = 1", "state.a = 1"),
    (charts_never_draw, "ui/charts/base.py", "import streamlit as st", "import plotly"),
    (errors_are_not_values, "core/a.py", "try: f()\nexcept: raise", "try: f()\nexcept ValueError: pass"),
    (
        errors_are_not_values,
        "core/a.py",
        "def g():\n try: f()\n except Exception: return 0",
        "try: f()\nexcept Exception: raise",
    ),
    (
        errors_are_not_values,
        "ui/a.py",
        "try: f()\nexcept (A, BaseException): pass",
        "try: f()\nexcept Exception as e: show(e)",
    ),
    (caches_end, "ui/a.py", "@st.cache_data\ndef f(): ...", "@st.cache_data(ttl=5)\ndef f(): ..."),
    (caches_end, "ui/a.py", "@cache_resource()\ndef f(): ...", "@cache_resource(max_entries=1)\ndef f(): ..."),
    (names_say_what, "core/a.py", "def get_util(): ...", "def utilisation(): ..."),
    (names_say_what, "core/a.py", "class TickManager: ...", "def manages(): ..."),
    (public_functions_explain, "core/a.py", "def f(): ...", "def _f(): ...\ndef g():\n 'What.'"),
]
RULES = list(dict.fromkeys(plant[0] for plant in PLANTS))


def python_files() -> list[str]:
    found = [p for folder in CODE for p in (ROOT / folder).rglob("*.py")] + list(ROOT.glob("*.py"))
    return sorted(str(p.relative_to(ROOT)) for p in found if "artifacts" not in p.parts)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    broken = []
    for path in python_files():
        tree = ast.parse((ROOT / path).read_text())
        broken += [f"{path}:{line}: {what}" for line, what in rule(path, tree)]
    assert broken == []


@pytest.mark.parametrize(("rule", "path", "bad", "good"), PLANTS, ids=lambda value: getattr(value, "__name__", ""))
def test_the_rule_sees_a_planted_violation(rule: Rule, path: str, bad: str, good: str) -> None:
    assert list(rule(path, ast.parse(bad)))
    assert not list(rule(path, ast.parse(good)))


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """One cycle of the graph, [] when there is none."""
    done: set[str] = set()

    def visit(node: str, trail: list[str]) -> list[str]:
        if node in trail:
            return [*trail[trail.index(node) :], node]
        if node in done:
            return []
        found = next(filter(None, (visit(n, [*trail, node]) for n in sorted(graph.get(node, ())))), [])
        done.add(node)
        return found

    return next(filter(None, (visit(node, []) for node in sorted(graph))), [])


def test_no_module_imports_itself_by_a_detour() -> None:
    files = {p.removesuffix(".py").removesuffix("/__init__").replace("/", "."): p for p in python_files()}
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        names = {name for _, name in imported(ast.parse((ROOT / path).read_text()))}
        graph[module] = {n if n in files else n.rpartition(".")[0] for n in names} & set(files)
    assert graph["core.config"] == {"core.disk", "core.errors"}  # the graph is there
    assert cycle_in(graph) == []
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def too_long(path: str, lines: int) -> bool:
    return lines > (120 if within(path, "pages", "app") else 300)


def tracked(*endings: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [p for name in listed.split("\0") if name.endswith(endings) and (p := ROOT / name).is_file()]


def test_no_file_is_too_long() -> None:
    assert too_long("core/a.py", 301)
    assert too_long("pages/1_A.py", 121)
    assert not too_long("core/a.py", 300)
    code = tracked(".py", ".js", ".css")
    assert len(code) > 5
    relative = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in code}
    assert {path: lines for path, lines in relative.items() if too_long(path, lines)} == {}


def test_no_path_of_one_machine_is_in_a_tracked_file() -> None:
    machine = re.compile(r"(?<![\w.-])/(?:work|root)/")
    assert machine.search("cd " + "/".join(["", "work", "main"]))
    assert not machine.search("https://example.org" + "/".join(["", "root", "x"]))
    texts = tracked(".py", ".md", ".toml", ".txt", ".lock", ".js", ".css", "/run", ".yml", ".json")
    assert [str(path) for path in texts if machine.search(path.read_text(errors="replace"))] == []
