"""Words that passwords are made of, in the languages of the people who use this; keys beside each other;
phrases that everybody has heard of. English words that zxcvbn's lists have are left out. Folded: without
accents, in lower case."""

from __future__ import annotations

_WORDS = """
    password passwort kennwort motdepasse contrasena contrasenya clave parola
    secret geheim geheimnis geheimwort secreto segreto sesam sesame
    welcome willkommen bienvenue bienvenido bienvenida bienvenidos benvenuto benvenuta benvenuti
    hello hallo servus moin bonjour bonsoir salut hola buongiorno ciao buonasera guten tag
    master meister chef maestro patron admin administrator administrateur administrador amministratore
    user benutzer utilisateur usuario utente guest gast invite invitado ospite test temp demo
    start login anmeldung
    change changeme aendern andern changer cambiar cambiami letmein open offen
    spring summer autumn winter fall fruhling fruehling fruhjahr fruehjahr sommer herbst
    printemps ete automne hiver primavera verano otono invierno estate autunno inverno
    january february march april may june july august september october november december
    januar jaenner janner februar marz maerz mai juni juli oktober dezember
    janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    monday tuesday wednesday thursday friday saturday sunday
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
    lundi mardi mercredi jeudi vendredi samedi dimanche
    lunes martes miercoles jueves viernes sabado domingo
    lunedi martedi mercoledi giovedi venerdi sabato domenica
    love liebe amour amor amore schatz cherie tesoro carino
    sun sonne soleil sol sole moon mond lune luna star stern etoile estrella stella
    god gott dieu dios dio jesus angel engel ange angelo princess prinzessin princesse princesa principessa
    football fussball futbol calcio bayern dortmund barcelona madrid juventus milano paris marseille berlin
    munchen
    muenchen wien zurich roma napoli torino london
    germany deutschland france frankreich spain espana italy italia osterreich oesterreich schweiz suisse
    holiday urlaub vacances vacaciones vacanze christmas weihnachten noel navidad natale
    office buro buero bureau oficina ufficio company firma entreprise empresa azienda
    money geld argent dinero soldi project projekt projet proyecto progetto finance finanzen
    dragon drachen monkey affe qwertz qwerty azerty asdf yxcv
    qaz wsx edc rfv tgb yhn ujm
    correcthorsebatterystaple iloveyou ichliebedich jetaime teamo tiamo tequiero
    year jahr annee ano anno today heute new neu nouveau nuevo nuovo mein mon mio the der die das
"""
COMMON_WORDS = frozenset(_WORDS.split())
