"""One file per command; each offers itself by the hook ``hdbench_commands``, as a plugin's command does."""
