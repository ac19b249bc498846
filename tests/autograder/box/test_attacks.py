"""Attacks on the box by code in a kernel: each must fail, and leave the next kernel as it was."""

import os
import platform
import socket
import sys
import textwrap
import time
import uuid

import psutil
import pytest

from autograder.box import Limits
from autograder.grading.running.kernels import open_launcher
from autograder.grading.running.sealed import seal
from autograder.grading.running.session import Limits as Seconds
from autograder.grading.running.session import Session
from tests.support.kernels import ask

MIB = 2**20
SECRET = uuid.uuid4().hex
QUICK = Seconds(cell=3, probe=3, submission=60)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason="the box is built of Linux namespaces; the attacks name system calls of x86-64",
)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    room = seal(tmp_path_factory.mktemp("attacks") / "room")
    room.chmod(0o755)
    return room


@pytest.fixture(scope="module")
def launcher(room):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OF_THE_GRADER", SECRET)
        launcher = open_launcher(room)
    yield launcher
    launcher.close()


@pytest.fixture(scope="module")
def small(room):
    """A launcher whose kernels may hold so little that a bomb need not be large."""
    launcher = open_launcher(room)
    launcher._limits = Limits(memory=560 * MIB)
    yield launcher
    launcher.close()


@pytest.fixture
def attack(launcher):
    """Run code in a kernel and give the value of an expression; afterwards the next one lives."""

    def run(code, expression, seconds=10):
        kernel = launcher.start()
        try:
            return ask(kernel, TOOLS + textwrap.dedent(code), expression, seconds)
        finally:
            kernel.kill()

    yield run
    after = launcher.start()
    assert ask(after, "x = 2", "x + 2") == 4
    after.kill()


TOOLS = '''
import ctypes, errno, fcntl, json, mmap, os, signal, socket, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
READ, WRITE, SHARED, PRIVATE, ANONYMOUS, NO_RESERVE = 1, 2, 1, 2, 0x20, 0x4000
NOTHING = ctypes.c_void_p(-1).value


def system(number, *arguments):
    """A raw system call: what it returns, or the name of the error."""
    ctypes.set_errno(0)
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *given)
    return result if result >= 0 else errno.errorcode[ctypes.get_errno()]


def mapped(size, protection, flags, descriptor=-1):
    """The address of new memory."""
    address = libc.mmap(None, size, protection, flags, descriptor, 0)
    if address == NOTHING:
        raise OSError(ctypes.get_errno(), "mmap")
    return address


def in_a_fork(function):
    """The wait status of a child in which a function ran."""
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    return os.waitpid(child, 0)[1]
'''


# Reading.


def test_no_descriptor_leads_out(attack):
    """The parent's control socket, its log or a folder of the host, left open by the fork."""
    code = """
    held = []
    for folder in ("/proc/self/fd", "/proc/1/fd"):
        for name in os.listdir(folder):
            try:
                held.append(os.readlink(f"{folder}/{name}"))
            except OSError:
                pass
    peers = []
    for name in os.listdir("/proc/self/fd"):
        try:
            one = socket.socket(fileno=os.dup(int(name)))
            peers.append(struct.unpack("3i", one.getsockopt(1, socket.SO_PEERCRED, 12))[0])
        except OSError:
            continue
    """
    held, peers = attack(code, "(held, peers)")
    inside = ("pipe:", "socket:", "anon_inode:", "/dev/null", "/proc/")
    assert [name for name in held if not name.startswith(inside)] == []
    # Who is on the other end is of no process here, or of this one.
    assert len(set(peers) - {0}) <= 2


def test_nothing_of_the_grader_lies_in_memory(attack):
    """Environment variables and arguments of the grader, kept in the pages of the warm parent."""
    code = f"""
    wanted = {SECRET[::-1]!r}[::-1].encode()
    split, found = len(wanted) // 2, []
    memory = open("/proc/self/mem", "rb", 0)
    for line in open("/proc/self/maps").read().splitlines():
        if " rw" not in line:
            continue
        first, last = (int(part, 16) for part in line.split()[0].split("-"))
        try:
            memory.seek(first)
            piece = memory.read(last - first)
        except (OSError, OverflowError):
            continue
        found += [line] if b"OF_THE_" + b"GRADER=" + wanted in piece else []
    names = ("environ", "cmdline")
    texts = [open(f"/proc/{{p}}/{{n}}").read() for p in ("1", "self") for n in names]
    """
    found, texts = attack(code, "(found, texts)", 20)
    assert found == []
    assert not any(SECRET in text or "OF_THE_GRADER" in text for text in texts)


def test_only_own_processes_are_seen(attack):
    """The grader, the parent and the kernels of others in ``/proc``: command lines and memory."""
    assert attack("", "sorted(p for p in os.listdir('/proc') if p.isdigit())") == ["1", "2"]


def test_where_things_come_from_is_all_that_mounts_say(attack):
    """A way through a mount: whatever can be written is memory, and no device but harmless ones."""
    code = """
    lines = [line.split() for line in open("/proc/self/mountinfo")]
    writable = [fields[4] for fields in lines if fields[5].split(",")[0] == "rw"]
    """
    harmless = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}
    disks = {"/proc", "/dev/pts", "/dev/shm", "/home/student", "/tmp"}
    assert set(attack(code, "writable")) <= harmless | disks


# Writing, and staying.


# prctl(PR_SET_PDEATHSIG, 0), then pause() for ever.
SHELL = "bf0100000031f6b89d0000000f05" + "b8220000000f05ebf7"


def test_process_one_is_not_taken_over(launcher):
    """What outlives its kernel, its submission and the grader: process 1 made to ignore its end."""
    marker = f"86397.{os.getpid()}"
    code = f"""
    import subprocess
    subprocess.Popen(["setsid", "sleep", "{marker}"])
    at = int(open("/proc/1/syscall").read().split()[-1], 16)
    with open("/proc/1/mem", "r+b", 0) as memory:
        memory.seek(at)
        memory.write(bytes.fromhex("{SHELL}"))
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.1)
        os._exit(0)
    time.sleep(0.4)
    """
    kernel = launcher.start()
    try:
        with pytest.raises(RuntimeError, match="OSError"):
            ask(kernel, TOOLS + textwrap.dedent(code), "1")
    finally:
        kernel.kill()
        left = _left(marker)
        for process in left:
            process.parent().parent().kill()
    assert left == []


def test_signals_to_process_one_end_at_most_its_own_kernel(attack, launcher):
    """A parent that is stopped or killed, and with it every later submission."""
    kernel = launcher.start()
    code = "for number in range(1, 65):\n    if number not in (32, 33):\n        os.kill(1, number)"
    with Session(launcher, QUICK) as session:
        assert session.run_cell(TOOLS + code).status in ("ok", "crashed")
        assert session.run_cell("1").status == "ok"
    assert kernel.end is None
    kernel.kill()


def test_the_kernel_stays_the_first_to_go(attack):
    """The grader killed in one's place when the machine runs out of memory."""
    code = """
    try:
        open("/proc/self/oom_score_adj", "w").write("0")
    except OSError:
        pass
    """
    assert attack(code, "open('/proc/self/oom_score_adj').read()") == "1000\n"


def test_no_setting_of_the_machine_can_be_written(attack):
    """``core_pattern`` and other settings in ``/proc/sys`` and ``/sys``: code run by the host."""
    code = """
    written = []
    for top in ("/proc/sys", "/sys"):
        for folder, _, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    descriptor = os.open(path, os.O_RDWR)
                    os.write(descriptor, os.read(descriptor, 4096))
                    written.append(path)
                except OSError:
                    continue
    """
    assert attack(code, "written") == []


def test_what_a_kernel_leaves_in_its_parents_folder_goes(launcher):
    """Sockets and descriptors that pile up in the grader with every submission."""
    launcher.start().kill()
    before = len(os.listdir("/proc/self/fd"))
    kernels = [launcher.start() for _ in range(3)]
    for kernel in kernels:
        kernel.kill()
    assert len(os.listdir("/proc/self/fd")) == before
    assert not any(os.path.exists(os.path.dirname(k.connection["ip"])) for k in kernels)


# System calls.

REFUSED = {
    "a new user namespace": "system(272, 0x10000000)",
    "a new network namespace": "system(272, 0x40000000)",
    "a process in a new user namespace": "system(56, 0x10000011, 0, 0, 0, 0)",
    "another's namespace": "system(308, 0, 0)",
    "a mount": "system(165, b'x', b'/tmp', b'tmpfs', 0, None)",
    "a mount of the new kind": "system(430, b'tmpfs', 0)",
    "a copy of a mount": "system(428, -100, b'/', 1)",
    "taking a mount off": "system(166, b'/proc', 2)",
    "another root": "system(161, b'/tmp')",
    "tracing": "system(101, 16, 1, 0, 0)",
    "memory of another process": "system(310, 1, buffer, 1, buffer, 1, 0)",
    "a descriptor of another process": "system(438, 0, 0, 0)",
    "bpf": "system(321, 0, buffer, 100)",
    "performance events": "system(298, buffer, 0, -1, -1, 0)",
    "io_uring": "system(425, 4, buffer)",
    "userfaultfd": "system(323, 1)",
    "keys": "system(250, 0, -3, 0)",
    "a new key": "system(248, b'user', b'a', b'b', 1, -3)",
    "System V memory": "system(29, 0, 4096, 0o1600)",
    "System V messages": "system(68, 0, 0o1600)",
    "memory in a descriptor": "system(319, b'x', 0)",
    "fanotify": "system(300, 0, 0)",
    "the kernel's log": "system(103, 3, buffer, 100)",
    "ports": "system(172, 3)",
    "being root": "system(105, 0)",
    "a nicer life": "system(141, 0, 0, -5)",
    "asynchronous reads": "system(206, 1, buffer)",
    "message queues": "system(240, b'q', 0o102, 0o600, None)",
    "segments": "system(154, 0, buffer, 16)",
    "pages lent to a pipe": "system(278, -1, None, 0, 0)",
    "a terminal's discipline": "system(16, os.openpty()[0], 0x5423, buffer)",
}


@pytest.mark.parametrize(
    "call",
    [pytest.param(call, id=name) for name, call in REFUSED.items()],
)
def test_a_system_call_is_refused(shared_kernel, call):
    """More rights, other processes, other memory, or a way into the kernel of the host."""
    code = "buffer = ctypes.create_string_buffer(256)"
    assert ask(shared_kernel, TOOLS + code, call) in ("EPERM", "EACCES", "EINVAL", "ENOSYS")


@pytest.fixture(scope="module")
def shared_kernel(launcher):
    kernel = launcher.start()
    yield kernel
    kernel.kill()


def test_refused_for_want_of_rights_and_not_of_arguments(shared_kernel):
    """A filter that is not there: the calls that would succeed without it say EPERM."""
    calls = "[system(319, b'x', 0), system(29, 0, 4096, 0o1600), system(272, 0x10000000)]"
    assert ask(shared_kernel, TOOLS, calls) == ["EPERM"] * 3
    assert ask(shared_kernel, TOOLS, "system(435, None, 88)") == "ENOSYS"


def test_other_architectures_do_not_evade_the_filter(attack):
    """The numbers of i386 and of x32, under which the same calls have other names."""
    code = """
    program = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
    program.write(bytes.fromhex("b814000000cd80c3"))
    enter = ctypes.CFUNCTYPE(ctypes.c_long)(
        ctypes.addressof(ctypes.c_char.from_buffer(program))
    )
    ends = [in_a_fork(enter), in_a_fork(lambda: system(0x40000000 + 39))]
    """
    # Killed, or (a kernel without that architecture) refused; never answered.
    assert attack(code, "[os.WIFSIGNALED(end) for end in ends]") == [True, True]


def test_programs_of_root_give_no_rights(attack):
    """``su``, ``mount`` and whatever else runs as root: set-uid does not count in here."""
    code = """
    lines = [line.split() for line in open("/proc/self/mountinfo")]
    without = [fields[4] for fields in lines if "nosuid" not in fields[5].split(",")]
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    """
    assert attack(code, "(without, status['NoNewPrivs'].strip())") == ([], "1")


def test_watches_of_the_user_on_the_host_are_not_used_up(attack):
    """inotify: an instructor's editor and Jupyter that see no changes while grading runs."""
    code = "opened = [d for d in (system(294, 0) for _ in range(100)) if isinstance(d, int)]"
    assert attack(code, "len(opened)") <= 16


# Network.


def test_the_network_ends_in_here(attack):
    """A server of the host, a socket of its name space, the cloud's metadata, the internet."""
    name = f"\0attack-{uuid.uuid4().hex}"
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as abstract:
        server.bind(("127.0.0.1", 0))
        server.listen()
        abstract.bind(name)
        abstract.listen()
        code = f"""
        reached = []
        for family, address in (
            (socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
            (socket.AF_INET, ("169.254.169.254", 80)),
            (socket.AF_INET, ("1.1.1.1", 53)),
            (socket.AF_UNIX, {name!r}),
        ):
            one = socket.socket(family)
            one.settimeout(1)
            try:
                one.connect(address)
                reached.append(address)
            except OSError:
                continue
        names = [name for _, name in socket.if_nameindex()]
        """
        reached, names = attack(code, "(reached, names)")
    assert reached == [] and names == ["lo"]


def test_families_without_namespaces_are_refused(attack):
    """vsock to the host of a virtual machine, raw packets, kernel crypto, bluetooth, …"""
    code = """
    opened = set()
    for family in range(64):
        for kind in (1, 2, 3, 5):
            for call in (socket.socket, socket.socketpair):
                try:
                    call(family, kind)
                    opened.add(family)
                except OSError:
                    continue
    """
    expected = {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}
    assert attack(code, "{int(family) for family in opened}") <= expected


@pytest.mark.parametrize(
    "asked",
    [
        "(2, 1, 262)",
        "(16, 3, 16)",
    ],
)
def test_rare_protocols_are_refused(shared_kernel, asked):
    """Modules that the host's kernel loads for whoever asks: MPTCP, SCTP, generic netlink."""
    code = f"""
    try:
        opened = bool(socket.socket{asked})
    except OSError:
        opened = False
    """
    assert ask(shared_kernel, TOOLS + textwrap.dedent(code), "opened") is False


# Memory that a count of processes' memory might not see. Each takes half a gigabyte.

UNSEEN = {
    "of a process that cannot be looked at": """
        for _ in range(3):
            if os.fork() == 0:
                libc.prctl(4, 0, 0, 0, 0)
                held = mapped(150 << 20, READ | WRITE, PRIVATE | ANONYMOUS)
                libc.memset(held, 1, 150 << 20)
                time.sleep(30)
        time.sleep(1)
    """,
    "of a stack": """
        address = mapped(450 << 20, READ | WRITE, PRIVATE | ANONYMOUS | 0x20100)
        libc.memset(address, 1, 450 << 20)
    """,
    "of processes that live briefly": """
        for _ in range(6):
            if os.fork() == 0:
                while os.fork() == 0:
                    pass
                held = mapped(100 << 20, READ | WRITE, PRIVATE | ANONYMOUS)
                libc.memset(held, 1, 100 << 20)
                time.sleep(1)
                os._exit(0)
    """,
    "shared and let go of": """
        for _ in range(9):
            address = mapped(50 << 20, READ | WRITE, SHARED | ANONYMOUS)
            libc.memset(address, 1, 50 << 20)
            libc.madvise(address, 50 << 20, 4)
        """,
    "of /dev/zero, let go of": """
        zero = os.open("/dev/zero", os.O_RDWR)
        for _ in range(9):
            address = mapped(50 << 20, READ | WRITE, SHARED, zero)
            libc.memset(address, 1, 50 << 20)
            libc.madvise(address, 50 << 20, 4)
        """,
    "of page tables": """
        size = 200 << 30
        address = mapped(size, READ, PRIVATE | ANONYMOUS | NO_RESERVE)
        libc.madvise(address, size, 15)
        for start in range(0, size, 2 << 20):
            ctypes.c_char.from_address(address + start).value
        """,
    "of a process whose first thread has ended": """
        import _thread
        def hold():
            time.sleep(0.2)
            held = mapped(150 << 20, READ | WRITE, PRIVATE | ANONYMOUS)
            libc.memset(held, 1, 150 << 20)
            time.sleep(30)
        for _ in range(3):
            if os.fork() == 0:
                _thread.start_new_thread(hold, ())
                time.sleep(0.1)
                libc.syscall(60, 0)
        time.sleep(1)
        """,
    "in pipes": """
        class Piece(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        kept = []
        for number in range(225):
            kept += os.pipe() if number % 15 == 0 else ()
            address = mapped(4 << 20, READ | WRITE, PRIVATE | ANONYMOUS)
            huge = (address + (2 << 20) - 1) >> 21 << 21
            libc.madvise(huge, 2 << 20, 14)
            libc.memset(huge, 1, 4096)
            if libc.vmsplice(kept[-1], ctypes.byref(Piece(huge, 4096)), 1, 0) < 0:
                raise OSError(ctypes.get_errno(), "vmsplice")
            libc.munmap(address, 4 << 20)
        """,
}


@pytest.mark.parametrize(
    "code",
    [pytest.param(code, id=name) for name, code in UNSEEN.items()],
)
def test_memory_is_seen_wherever_it_is(small, code):
    """The machine's memory, taken where the watcher does not look."""
    with Session(small, Seconds(cell=12, probe=4, submission=60)) as session:
        outcome = session.run_cell(TOOLS + textwrap.dedent(code) + "\ntime.sleep(8)")
        assert outcome.status in ("out_of_memory", "error"), outcome
        assert session.run_cell("1").status == "ok"


# Staying in the way of the end.


def test_nothing_delays_the_end(launcher):
    """Processes that are stopped, ignore everything, or wait in the kernel for one another."""
    code = """
    for number in range(20):
        child = os.fork()
        if child == 0:
            for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(one, signal.SIG_IGN)
            os.setsid()
            if number % 4 == 0:
                libc.vfork()
            while True:
                libc.pause()
        if number % 2:
            os.kill(child, signal.SIGSTOP)
    """
    box = psutil.Process(launcher._box._process.pid)
    before = set(box.children(recursive=True))
    kernel = launcher.start()
    try:
        ask(kernel, TOOLS + textwrap.dedent(code), "1")
        family = set(box.children(recursive=True)) - before
        started = time.monotonic()
    finally:
        kernel.kill()
    assert len(family) > 20 and time.monotonic() - started < 3
    deadline = time.monotonic() + 5
    while _alive(family) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _alive(family) == []


def test_a_fork_does_not_serve_after_its_kernel(launcher):
    """A process that holds the listening sockets and answers when the real kernel has died."""
    marker = f"86398.{os.getpid()}"
    code = f"""
    if os.fork() == 0:
        os.setsid()
        os.execvp("sleep", ["sleep", "{marker}"])
    time.sleep(0.2)
    os._exit(0)
    """
    with Session(launcher, QUICK) as session:
        assert session.run_cell(TOOLS + textwrap.dedent(code)).status == "crashed"
        assert _left(marker) == []
        assert session.run_cell("1").status == "ok"


# Messages. The key of a kernel lies in its memory.

FORGING = """
import json, threading, time
from ipykernel.kernelapp import IPKernelApp
kernel = IPKernelApp.instance().kernel


def forged(content, parent=None, **header):
    \"\"\"A signed reply to what is asked now, or to something else.\"\"\"
    asked = kernel.get_parent("shell")["header"] if parent is None else parent
    said = kernel.session.msg_header("execute_reply")
    parts = [json.dumps(part, default=str).encode() for part in ({**said, **header}, asked, {})]
    parts.append(content if isinstance(content, bytes) else json.dumps(content).encode())
    return [b"<IDS|MSG>", kernel.session.sign(parts), *parts]


def send(parts):
    kernel.shell_stream.send_multipart([*kernel._parent_ident["shell"], *parts])
"""

MESSAGES = {
    "nothing": "send([b''])",
    "no content": "send([b'<IDS|MSG>', b'x'])",
    "a list": "send(forged([]))",
    "null": "send(forged(None))",
    "a name of lists": """send(forged({"status": "error", "ename": [[[]]], "evalue": {}}))""",
    "surrogates": r"""send(forged(b'{"status": "error", "ename": "\\ud800"}'))""",
    "no end of brackets": """
        for depth in range(800, 1000, 5):
            send(forged(b'{"status": "error", "ename": ' + b"[" * depth + b"]" * depth + b"}"))
        send(forged(b"[" * 100_000))
    """,
    "a number of 4300 digits": """send(forged(b'{"status": ' + b"9" * 4300 + b"}"))""",
    "other versions": """
        for version in ("4.1", "3.0", "99", None, [], {}, 4):
            for kind in ("execute_reply", "object_info_reply", "complete_reply", "status"):
                for content in ({}, [], {"payload": [{}]}, {"matches": 1}, {"name": []}):
                    send(forged(content, {}, version=version, msg_type=kind))
    """,
    "no such dates": """
        for date in ("9999-12-31T23:59:59.9", "0000-00-00T00:00:00", "2020-01-01T00:00:00+99:99"):
            send(forged({}, {"date": date}, date=date))
    """,
    "many objects": """send(forged(b"[" + b"{}," * 2_000_000 + b"{}]"))""",
    "a frame too large": """send([b"<IDS|MSG>", bytes(17_000_000)])""",
    "payloads": """send(forged({"status": "ok", "payload": [{"source": []}, 3, None]}))""",
}


@pytest.mark.parametrize(
    "code",
    [
        *[pytest.param(code, id=name) for name, code in MESSAGES.items()],
        "send([b'<IDS|MSG>'])",
    ],
)
def test_a_message_that_no_kernel_sends(launcher, code):
    """The grader ended by an exception, or kept waiting, by a reply that student code forges."""
    started = time.monotonic()
    with Session(launcher, QUICK) as session:
        sent = session.run_cell(FORGING + textwrap.dedent(code) + "\ntime.sleep(0.2)")
        assert sent.status in ("ok", "error", "timed_out", "crashed")
        assert session.run_cell("1").status in ("ok", "error", "crashed")
        assert session.run_cell("1").status == "ok"
    assert time.monotonic() - started < 15


def test_replies_to_others_end_with_the_time_of_the_cell(launcher):
    """A grader that reads for ever: messages without end, none of them the answer."""
    code = """
    def go_on():
        while True:
            send(forged({}, {"msg_id": "another"}))
            time.sleep(0.001)
    threading.Thread(target=go_on, daemon=True).start()
    time.sleep(60)
    """
    started = time.monotonic()
    with Session(launcher, Seconds(cell=2, probe=2, submission=20)) as session:
        assert session.run_cell(FORGING + textwrap.dedent(code)).status == "timed_out"
    assert time.monotonic() - started < 8


def test_a_message_without_an_end_is_not_kept(launcher):
    """The grader's memory, filled by frames that each are small enough."""
    code = """
    talking = []
    for name in os.listdir("/proc/self/fd"):
        try:
            one = socket.socket(fileno=os.dup(int(name)))
            listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if not listens and one.getsockname().endswith("-1"):
                talking.append(one)
        except (OSError, AttributeError):
            continue
    # More to come, and a length of eight bytes.
    frame = b"\\x03" + struct.pack(">Q", 1 << 20) + bytes(1 << 20)
    for one in talking:
        one.setblocking(True)
        try:
            for _ in range(400):
                one.sendall(frame)
        except OSError:
            pass
    time.sleep(0.5)
    """
    grader = psutil.Process()
    before = grader.memory_info().rss
    with Session(launcher, QUICK) as session:
        session.run_cell(TOOLS + textwrap.dedent(code))
        grown = grader.memory_info().rss - before
        assert session.run_cell("1").status in ("ok", "crashed", "timed_out")
    assert grown < 150 * MIB


def _left(marker):
    """Processes with an argument that still run after a while."""
    deadline = time.monotonic() + 2
    while True:
        listed = psutil.process_iter(["cmdline"])
        found = [process for process in listed if marker in (process.info["cmdline"] or [])]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _alive(processes):
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
