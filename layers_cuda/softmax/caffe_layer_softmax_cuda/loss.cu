// Probabilities are (outer, classes, inner); there is a label for each (outer, inner).
struct Labels {
    int classes, inner, ignored, ignore;
};
