"""Habits of honest students: each survives the box, and costs nothing."""

import nbformat
import pytest

from autograder.grading.running.session import Limits
from tests.support.notebooks import cell_of

TARGET = "relu_second_moment"

HABITS = {
    "figures": (
        "import matplotlib.pyplot as plt\n%matplotlib inline\n"
        "plt.plot([1, 2])\nplt.title('σ²')\nplt.show()\nplt.savefig('figure.png')\n"
        "assert open('figure.png', 'rb').read(4) == b'\\x89PNG'"
    ),
    "%timeit": "%timeit -n 10 -r 2 sum(range(100))",
    "%%time": "%%time\nsum(range(100))",
    "%config": "%config InlineBackend.figure_format = 'retina'",
    "!ls": "!ls -la\nfiles = !ls\nassert isinstance(list(files), list)",
    "tqdm": (
        "from tqdm import tqdm\nfrom tqdm.auto import tqdm as auto\n"
        "assert sum(tqdm(range(1000))) == sum(auto(range(1000))) == 499500"
    ),
    "multiprocessing": (
        "import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n"
        "    assert pool.map(abs, [-1, -2]) == [1, 2]"
    ),
    "a process pool": (
        "from concurrent.futures import ProcessPoolExecutor\n"
        "with ProcessPoolExecutor(2) as pool:\n    assert list(pool.map(abs, [-1])) == [1]"
    ),
    "DataLoader with workers": (
        "from torch.utils.data import DataLoader, TensorDataset\n"
        "loader = DataLoader(TensorDataset(torch.arange(20.0)), batch_size=5, num_workers=2)\n"
        "assert sum(batch.sum() for batch, in loader) == 190"
    ),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n    assert sum(pool.map(abs, range(9))) == 36"
    ),
    "torch's threads": "torch.set_num_threads(2)\nassert torch.ones(2000, 2000).sum() == 4e6",
    "tempfile": (
        "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as file:\n"
        "    file.write('x')\nwith tempfile.TemporaryDirectory() as folder:\n    assert folder"
    ),
    "a file in the working folder": (
        "open('notes.txt', 'w').write('σ')\nassert open('notes.txt').read() == 'σ'"
    ),
    "%%writefile": "%%writefile mine.py\nx = 3",
    "torch.save": (
        "torch.save({'w': torch.ones(3)}, 'model.pt')\n"
        "assert torch.load('model.pt')['w'].sum() == 3"
    ),
    "np.save": "np.save('x.npy', np.ones(3))\nassert np.load('x.npy').sum() == 3",
    "random numbers": (
        "import random\nnp.random.seed(0)\nassert np.random.rand() < 1\n"
        "assert np.random.default_rng().normal() != torch.randn(1) != random.random()"
    ),
    "help": "help(fan_in_and_fan_out)\nfan_in_and_fan_out?\nfan_in_and_fan_out??",
    "input, guarded": "try:\n    name = input('name? ')\nexcept Exception:\n    name = 'ada'",
    "getpass, guarded": (
        "import getpass\ntry:\n    word = getpass.getpass()\nexcept Exception:\n    word = ''\n"
        "assert getpass.getuser()"
    ),
    "network, guarded": (
        "from urllib.request import urlopen\ntry:\n    urlopen('https://example.com', timeout=5)\n"
        "except OSError:\n    pass"
    ),
    "100k lines": "for i in range(100_000):\n    print(i)",
    "a long value": "list(range(100_000))",
    "warnings": "import warnings\nwarnings.warn('careful')\nnp.log(np.zeros(1))",
    "logging": "import logging\nlogging.basicConfig(level=10)\nlogging.debug('x')",
    "__future__": "from __future__ import annotations",
    "await at the top": "import asyncio\nawait asyncio.sleep(0.01)",
    "async functions": (
        "import asyncio\nasync def later():\n    return 3\nassert await later() == 3\n"
        "assert await asyncio.gather(later(), later()) == [3, 3]"
    ),
    "sklearn": (
        "from sklearn.linear_model import LogisticRegression\n"
        "x = np.random.randn(50, 2)\ny = x[:, 0] > 0\n"
        "assert LogisticRegression().fit(x, y).score(x, y) > 0.8"
    ),
    "scipy": "import scipy.stats\nassert scipy.stats.norm.cdf(0) == 0.5",
    "500 MB": "big = torch.ones(125_000_000)\nassert big.sum() > 0\ndel big",
    "training": (
        "model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))\n"
        "optimizer = torch.optim.Adam(model.parameters())\n"
        "for _ in range(20):\n    loss = model(torch.randn(64, 10)).square().mean()\n"
        "    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()"
    ),
    "the lab's data": "assert len(data.fashion_mnist(20, 10).x_train) == 20",
    "subprocess": "import subprocess\nsubprocess.run(['echo', 'hello'], check=True)",
    "environment variables": "import os\nos.environ['OMP_NUM_THREADS'] = '2'",
    "dataclasses and enums": (
        "import dataclasses, enum\n@dataclasses.dataclass\nclass Point:\n    x: int = 0\n"
        "Color = enum.Enum('Color', 'RED')\nimport pickle\n"
        "assert pickle.loads(pickle.dumps(Point(3))) == Point(3)"
    ),
    "torch.jit": (
        "@torch.jit.script\ndef double(x: torch.Tensor) -> torch.Tensor:\n    return x * 2\n"
        "assert double(torch.ones(1)) == 2"
    ),
    "widgets, guarded": "try:\n    import ipywidgets\nexcept ImportError:\n    pass",
    "display": "from IPython.display import Markdown, display\ndisplay(Markdown('**x**'))",
    "a script's last lines": "if __name__ == '__main__':\n    print('main')",
    "clear_output": "from IPython.display import clear_output\nclear_output(wait=True)",
}
"""Code whose own assertions say that it works in there."""


@pytest.mark.parametrize("code", HABITS.values(), ids=HABITS)
def test_a_habit(handed_in, grade, code):
    if code.startswith("%%") or "__future__" in code:
        handed_in.cells.insert(3, nbformat.v4.new_code_cell(code))
    else:
        # How its cell ends is how the answer ends.
        cell_of(handed_in, TARGET).source += f"\n\n{code}"
    assert grade(handed_in, Limits(cell=30, probe=10, submission=60)).lost == {}
