"""Generators that others wrote: driven in their own environment, or read from the samples that they left.

ThreeWays (baseline) -> native: the plugin's own network
                     -> samples (given): a file or folder of clouds or meshes
                     -> external: a Specification (a small TOML) says which data to write (layouts), which commands to run
                        (running, under a supervisor, through a launcher that mends old code) and what to read afterwards
"""
