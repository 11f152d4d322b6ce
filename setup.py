"""The package: metadata, dependencies, extras, entry points. Tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

README = Path(__file__).parent / "README.md"

# Desktop, local engine and cluster client: everything a microscopist's own machine needs.
BASE = [
    "PyQt5>=5.15.10,<6",
    "pyqtgraph>=0.13.7",
    "QtAwesome>=1.3",
    "colorcet>=3.1",
    "pint>=0.24",
    "numpy>=2.0",
    "numba>=0.62",
    "llvmlite>=0.45",
    "h5py>=3.11",
    "hdf5plugin>=5.0",
    "imagecodecs>=2025.8.2",  # before, LZ4 blocks as HDF5 stores them were decoded wrongly
    "pillow>=10.1",
    "tifffile>=2024.8",
    "pydantic>=2.9",
    "dask>=2025.1",
    "distributed>=2025.1",
    "hdfs>=2.7.3",
    "requests>=2.32",
    "crc32c>=2.7",
    "tqdm>=4.66",
    "platformdirs>=4.2",
    "filelock>=3.13",
]

# What the API server, its store, the runner and the workers need on top.
CLUSTER = [
    "fastapi>=0.115",
    "uvicorn[standard]>=0.30",
    "sqlalchemy>=2.0.30",
    "alembic>=1.13",
    "psycopg[binary]>=3.2",
]

# HDFS that lets nobody in without Kerberos. Its wheels are built here: it needs gcc and libkrb5-dev.
KERBEROS = ["requests-kerberos>=0.15"]

DEV = [
    "pytest>=8.3,<9.2",  # with 9.2, pytest-xdist 3.8 no longer keeps groups of tests together
    "pytest-qt>=4.4",
    "pytest-xdist>=3.6",
    "pytest-cov>=6.0",
    "pytest-timeout>=2.3",
    "coverage>=7.10",
    "hypothesis>=6.110",
    "k5test>=0.10",
    "scipy>=1.14",
    "rosettasciio>=0.9",
    "ruff>=0.9",
    "mypy>=1.15",
    "import-linter>=2.2",
    "pre-commit>=4.0",
    "types-tqdm",
]


setup(
    name="ltdesk",
    version="0.1.0",  # stated here alone; code asks importlib.metadata.version("ltdesk")
    description="A desktop program for pixelated STEM: draw virtual detectors, see the images live",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="GPL-3.0-or-later",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: X11 Applications :: Qt",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Visualization",
    ],
    packages=[*find_packages(include=["ltdesk", "ltdesk.*"]), "ltdesk.resources"],
    # resources/ stands at the top of the tree; installed, it is the package ltdesk.resources.
    # Code finds it by importlib.resources.files("ltdesk.resources"), editable or not.
    package_dir={"ltdesk.resources": "resources"},
    package_data={"ltdesk": ["py.typed"], "ltdesk.resources": ["*", "**/*"]},
    install_requires=BASE,
    extras_require={"cluster": CLUSTER, "kerberos": KERBEROS, "dev": DEV},
    entry_points={
        "console_scripts": ["ltdesk = ltdesk.cli:main"],
        # Plug-ins of other packages announce themselves in these groups, as ours could;
        # what ships with ltdesk is registered in the code, so that it also works from a frozen build.
        "ltdesk.formats": [],
        "ltdesk.analyses": [],
    },
    zip_safe=False,
)
