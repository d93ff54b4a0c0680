; no-lock: these facts cannot all hold, so this is to be unsat
(set-logic QF_UF)
(set-info :status unsat)
(declare-const v1 Bool) ; numpy >= 2.0.0 (38)
(declare-const v2 Bool) ; paddleocr >= 3.0.0 (1)
(declare-const v3 Bool) ; paddlex >= 3.0.0 (1)
(declare-const v4 Bool) ; paddlex[ie]
(declare-const v5 Bool) ; paddlex[multimodal]
(declare-const v6 Bool) ; paddlex[ocr]
(declare-const v7 Bool) ; numpy >= 1.24.4 (29)
(declare-const v8 Bool) ; numpy >= 1.25.0 (30)
(assert v1)
(assert v2)
(assert (or (not v2) v3))
(assert (or (not v2) v4))
(assert (or (not v2) v5))
(assert (or (not v2) v6))
(assert (or (not v3) v7))
(assert (or (not v3) (not v8)))
(assert (or (not v8) v7))
(assert (or (not v1) v8))
(check-sat)
(exit)
