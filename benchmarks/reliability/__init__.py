"""How the library behaves when killed, attacked, fed with damaged files, or run for long."""
