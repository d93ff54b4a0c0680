"""Checks certificates without any solver; shares no code with what wrote them.

Each file here has the name of what it mirrors, and says the same a second time:

=================  ====================================================  =========================================
here               mirrors                                               what it says
=================  ====================================================  =========================================
``certificate``    ``solver/proofs/certificate.py``                      which files there are, and that they fit
``parts``          nothing                                               the files of a certificate
``replaying``      nothing                                               that clauses and proof are right
``claims``         nothing                                               what was confirmed, in words and as JSON
``reading``        ``solver/lockfiles/reading.py``                       what is checked: lockfile and project
``model``          ``solver/lockfiles/model.py``                         entries and edges
``uv_lock``        ``solver/lockfiles/uv_lock.py``                       ``uv.lock``
``uv_markers``     ``solver/lockfiles/uv_markers.py``                    its markers
``refused``        ``solver/lockfiles/refused.py``                       what uv does not install together
``deciding``       ``solver/lockfiles/deciding.py``                      ``pylock.toml``, ``poetry.lock``, ``pdm.lock``
``following``      ``solver/lockfiles/following.py``                     locks that do not say where
``pulls``          ``solver/lockfiles/pulls.py``                         conflicts, and what brings what along
``markers``        ``solver/lockfiles/markers.py``                       markers
``versions``       the library ``packaging``                             versions and specifiers
``environments``   ``solver/proofs/environments.py``                     the finite environments
``obligation``     ``solver/proofs/obligation.py``                       what is reached where, as clauses
``walk``           ``solver/proofs/walk.py``                             what is installed in one environment
``passing``        ``solver/proofs/passing.py``                          environments that are walked
``further``        ``solver/proofs/further.py``                          what the properties share
``unique``         ``solver/proofs/unique.py``                           a property
``pins``           ``solver/proofs/pins.py``                             a property
``installable``    ``solver/proofs/installable.py``                      a property
``complete``       ``solver/proofs/complete.py``                         a property
``demands``        ``solver/proofs/demands.py``                          what is asked for where
``owners``         ``solver/proofs/owners.py``                           who requires what
``facts``          ``solver/proofs/facts.py``                            what project and indexes say, as clauses
``telling``        nothing                                               facts in words
``optimality``     ``solver/proofs/optimality.py``                       a property
``no_lock``        ``solver/proofs/no_lock.py``                          that there is no lock
``choices``        ``encoder/project/``                                  what a project admits and asks for
``agreeing``       nothing                                               that the parts record the same facts
``kernel``         nothing (``solver/proofs/elaboration.py`` writes)     LRAT proofs
``forms``          nothing                                               of which form the JSON of a certificate is
``files``          nothing                                               which files are opened, and how much of them
=================  ====================================================  =========================================
"""
