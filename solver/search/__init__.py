"""The search, as a short book. It reads in this order:

``encoder.formula.cells``     what the formula speaks of: packages, cells, nodes, edges, holds
``encoder.formula.facts``     where clauses come from, with the clauses of each kind
``encoder.formula.encoding``  the growing formula
``encoder.formula.support``   that yanked releases and pre-releases serve who asks for them
``session``                   the solver, and what it is asked
``explainer``                 cores: which facts a clash is made of
``search``                    the loop
``refinement``                what a core means: a witness, or cells to divide
``selection``                 what a model selects
``held``                      what is held back, and when that is lifted
``founded``, ``reached``      that a yanked release serves only whom the project reaches
``admissible``                which candidates an objective counts
``loading``                   which metadata is needed now

And below it, how candidates and metadata are made of what indexes say:

``sources``, ``shelf``        the candidates of each package, and the metadata of each candidate
``directs``                   what comes from a repository, an archive or a folder
``opting``                    where the project itself names a pre-release or a build
``variants``                  wheels of one version that require different things
``failing``                   what is made of files that cannot be read
``crawling``                  what is fetched ahead

``docs/solver.md`` has the words, the clauses as formulas, and why it ends with the right answer.
"""
