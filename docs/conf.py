"""How Sphinx builds these pages: ``python -m tox -e docs``."""

import sys
from pathlib import Path

import fastxor

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "fastxor"
copyright = "the fastxor authors, MIT license"
version = release = fastxor.__version__
extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx_copybutton",
    "command_line",
    "docstrings",
    "public_names",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
default_role = "py:obj"  # what docstrings have in single backticks is a name

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # X and y are Any: docstrings say what may be given
add_module_names = False
toc_object_entries_show_parents = "hide"
smartquotes = False  # "sigmoid" is to be typed as it stands
nitpicky = True
nitpick_ignore_regex = [  # other libraries' names: no pages are needed to build these
    (r"py:.*", rf"({others})\..*")
    for others in ("concurrent", "distributed", "matplotlib", "numpy", "sklearn", "torch")
]
public_modules = ["fastxor", "fastxor.maps", "fastxor.plot", "fastxor.sklearn"]

# examples: each page is one story, in an empty folder; no window opens
doctest_global_setup = """
import os, tempfile
import matplotlib
matplotlib.use("Agg")
_folder = tempfile.TemporaryDirectory()
os.chdir(_folder.name)
__name__ = "__main__"
"""
doctest_global_cleanup = """
os.chdir("/")
_folder.cleanup()
"""
trim_doctest_flags = True

plot_html_show_source_link = False
plot_html_show_formats = False
plot_include_source = True
plot_formats = [("png", 150)]

html_theme = "furo"
html_title = "fastxor"
html_static_path = ["_static"]
html_css_files = ["fastxor.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00528a", "color-brand-content": "#00528a"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
