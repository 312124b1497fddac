"""How reports, plans, jobs and evaluations look, in a terminal and in a notebook.

Nothing below imports this room; it is found through the entry point `tunekit.views`.
"""

from tunekit.display.views import RichViews

views = RichViews()
"""What the entry point gives."""
