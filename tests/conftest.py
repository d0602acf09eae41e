"""What holds for every test: it leaves no thread behind."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

# A machine with its cores taken is no failure: the clock judges no property.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """Where a shell runs the tests in its background, Ctrl-C is ignored, here and in children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _signals_are_given_back() -> Iterator[None]:
    """A command that was stopped stays deaf, for its process is about to end; the tests' is not."""
    ears = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, ear in ears.items():
        signal.signal(number, ear)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 1.0
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left after the test: {left}"


@pytest.fixture(scope="session", autouse=True)
def _folders_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests, and the processes that they start, keep out of the user's cache and settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "XDG_CONFIG_HOME", "APPDATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture
def ov() -> ModuleType:
    """The module engines.ov, where OpenVINO works; imported as it does, without the reporter."""
    from engines import EngineUnavailable, compiled, ov

    try:
        compiled.runtime()
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return ov
