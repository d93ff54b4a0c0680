"""The search, as a short book. It reads in this order:

``encoder.formula.cells``     what the formula speaks of: packages, cells, nodes, edges, holds
``encoder.formula.facts``     where clauses come from, with the clauses of each kind
``encoder.formula.encoding``  the growing formula
``session``                   the solvers, and cores
``search``                    the loop
``refinement``                what a core means: a witness, or cells to split
``selection``                 what a model selects
``held``                      what is held back, and when that is lifted
``founded``                   nothing opens what is held back unless it is asked for itself
``reached``                   where a selection is reached
``loading``, ``sources``      metadata, when it is needed

``docs/solver.md`` has the words, the clauses as formulas, and why it ends with the right answer.
"""
