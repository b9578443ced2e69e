"""States, provinces and regions that are inside the EU's VAT area, of the countries that also have others.

ISO 3166-2, codes without the country, and the names in use: a subdivision that is neither one of these nor a
VAT territory is not known, so it tells nothing. Germany's, Finland's, Italy's and Spain's are those of
`holidays`, with what is written besides."""

from __future__ import annotations

from holidays import country_holidays

_BESIDES = {
    "DE": """
        Bavaria, Hesse, Lower Saxony, Mecklenburg-Western Pomerania, North Rhine-Westphalia, NRW,
        Rhineland-Palatinate, Saxony, Saxony-Anhalt, Thuringia
    """,
    "DK": """
        81, 82, 83, 84, 85, Nordjylland, Midtjylland, Syddanmark, Hovedstaden, Sjælland, Sjaelland,
        Denmark, Zealand, København, Copenhagen, Fyn, Jylland, Jutland
    """,
    "ES": """
        A, AB, AL, AV, B, BA, BI, BU, C, CA, CC, CO, CR, CS, CU, GI, GR, GU, H, HU, J, L, LE, LO, LU, M,
        MA, MU, NA, O, OR, P, PM, PO, S, SA, SE, SG, SO, SS, T, TE, TO, V, VA, VI, Z, ZA, Alicante,
        Alacant, Albacete, Almería, Ávila, Badajoz, Vizcaya, Bizkaia, Burgos, Coruña, Cádiz, Cáceres,
        Córdoba, Ciudad Real, Castellón, Castelló, Cuenca, Girona, Gerona, Granada, Guadalajara, Huelva,
        Huesca, Jaén, Lleida, Lérida, León, Lugo, Málaga, Nafarroa, Ourense, Orense, Palencia, Baleares,
        Balears, Balearic, Mallorca, Menorca, Ibiza, Pontevedra, Salamanca, Sevilla, Seville, Segovia,
        Soria, Gipuzkoa, Guipúzcoa, Tarragona, Teruel, Toledo, Valencia, València, Valladolid, Álava,
        Araba, Zaragoza, Zamora, Rioja, Andalusia, Aragon, Castile, Catalonia, Euskadi, Basque, Navarre
    """,
    "FI": """
        Finland Proper, Lapland, Ostrobothnia, Kainuu, Kymenlaakso, Pirkanmaa, Satakunta, Uusimaa,
        Nyland, Savonia, Savo, Karelia, Karjala, Helsinki
    """,
    "FR": """
        01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 2A, 2B, 21, 22,
        23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
        47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 69M,
        6AE, 70, 71, 72, 73, 74, 75, 75C, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90,
        91, 92, 93, 94, 95, 20R, ARA, BFC, BRE, COR, CVL, GES, HDF, IDF, NAQ, NOR, OCC, PAC, PDL, Ain,
        Aisne, Allier, Alpes, Ardèche, Ardennes, Ariège, Aube, Aude, Aveyron, Bouches-du-Rhône,
        Calvados, Cantal, Charente, Cher, Corrèze, Corse, Corsica, Côte-d'Or, Côtes-d'Armor, Creuse,
        Dordogne, Doubs, Drôme, Eure, Finistère, Gard, Garonne, Gers, Gironde, Hérault, Ille, Indre,
        Isère, Jura, Landes, Loir, Loire, Loiret, Lot, Lozère, Maine, Manche, Marne, Mayenne, Meurthe,
        Meuse, Morbihan, Moselle, Nièvre, Nord, Oise, Orne, Pas-de-Calais, Puy-de-Dôme, Pyrénées, Rhin,
        Rhône, Saône, Sarthe, Savoie, Paris, Seine, Yvelines, Sèvres, Somme, Tarn, Var, Vaucluse,
        Vendée, Vienne, Vosges, Yonne, Belfort, Essonne, Val-de-Marne, Val-d'Oise, Auvergne, Bourgogne,
        Burgundy, Franche-Comté, Bretagne, Brittany, Centre-Val de Loire, Alsace, Champagne, Lorraine,
        Grand Est, Hauts-de-France, Picardie, Île-de-France, Normandie, Normandy, Aquitaine, Limousin,
        Poitou, Occitanie, Languedoc, Midi, Provence, Côte d'Azur
    """,
    "GR": """
        A, B, C, D, E, F, G, H, I, J, K, L, M, Macedonia, Makedonia, Thrace, Thraki, Epirus, Ipeiros,
        Thessaly, Thessalia, Ionian, Ionia, West Greece, Western Greece, Dytiki Ellada, Central Greece,
        Sterea Ellada, Attica, Attiki, Athens, Athina, Thessaloniki, Peloponnese, Peloponnisos, Aegean,
        Aigaio, Crete, Kriti, Αττική, Κρήτη, Θεσσαλονίκη, Μακεδονία, Θράκη, Ήπειρος, Θεσσαλία,
        Πελοπόννησος, Αιγαίο
    """,
    "IT": """
        21, 23, 25, 32, 34, 36, 42, 45, 52, 55, 57, 62, 65, 67, 72, 75, 77, 78, 82, 88, Piemonte,
        Piedmont, Valle d'Aosta, Aosta Valley, Lombardia, Lombardy, Trentino, Südtirol, South Tyrol,
        Veneto, Friuli, Liguria, Emilia, Romagna, Toscana, Tuscany, Umbria, Marche, Lazio, Latium,
        Abruzzo, Molise, Campania, Puglia, Apulia, Basilicata, Calabria, Sicilia, Sicily, Sardegna,
        Sardinia, Rome, Milan, Turin, Venice, Florence, Naples, Bozen, Monza
    """,
    "NL": """
        DR, FL, FR, GE, GR, LI, NB, NH, OV, UT, ZE, ZH, Drenthe, Flevoland, Friesland, Fryslân,
        Gelderland, Groningen, Limburg, Brabant, Noord-Holland, North Holland, Overijssel, Utrecht,
        Zeeland, Zuid-Holland, South Holland
    """,
}  # fmt: skip


_IN_HOLIDAYS = ("DE", "ES", "FI", "IT")


def known_subdivisions(country: str) -> tuple[str, ...]:
    besides = [" ".join(name.split()) for name in _BESIDES.get(country, "").split(",") if name.strip()]
    if country not in _IN_HOLIDAYS:
        return tuple(besides)
    calendar = country_holidays(country)
    return (*calendar.subdivisions, *calendar.subdivisions_aliases, *besides)
