"""`kpstream bench`: what the real pipeline costs on this machine, stage by stage.

    command ─▶ rounds ─Job─▶ ┃ record: pipeline.run ┃ ─Samples─▶ figures ─Report─▶ table, JSON
                             ┃ a process of its own ┃

Every run is a process of its own, as a user's is: its memory and its start are then its own too,
and no engine finds the threads and caches that another left behind.
"""
