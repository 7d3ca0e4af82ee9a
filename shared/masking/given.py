"""Given names that are common where English is written, as far as they are no other words and no places.

Put together for this by hand, from what people are called in Britain, Ireland, America, South Asia, Africa, the Arab
countries and on the Continent.
"""

from typing import Final

GIVEN: Final = frozenset(
    """
    Aaron Abdul Abdullah Abena Abigail Abraham Adam Adebayo Aditi Adrian Agnes Agnieszka Ahmed Aidan Aileen Aisha
    Alan Alana Alastair Albert Alec Alejandro Aleksandra Alessandro Alex Alexander Alexandra Alfie Alfred Alice
    Alicia Alison Alistair Allan Amanda Amelia Amina Amir Amit Amy Ana Andrea Andreas Andrew Andrzej Angela Angelina
    Angus Anil Anita Anjali Ann Anna Annabel Anne Annette Annie Anthony Antoine Anton Antonia Antonio Anya Aoife
    Archie Arjun Arlene Arnold Arthur Arun Asha Astrid Audrey Ayesha Barbara Barnaby Barry Bartosz Beatrice Becky
    Belinda Ben Benedict Benjamin Bernadette Bernard Bernice Bert Bertha Beth Bethany Betty Beverley Beverly Bilal
    Bjorn Boris Bradley Brandon Brenda Brendan Brian Bridget Bronwyn Bruce Bryan Caitlin Callum Cameron Camilla Carl
    Carla Carlos Carmen Caroline Carolyn Catherine Cathy Cecilia Cedric Charles Charlie Cheryl Chidi Chloe Chris
    Christina Christine Christopher Ciara Claire Clara Clarence Claudia Clifford Clive Colin Colleen Connor Conor
    Constance Corinne Craig Cristina Curtis Cynthia Damian Damien Daniel Daniela Danielle Danny Daphne Darren Dave
    David Debbie Deborah Declan Deepak Deirdre Delia Denis Denise Dennis Derek Dermot Desmond Diana Diane Diego
    Dimitri Dinesh Dmitri Dominic Donald Donna Doreen Doris Dorothy Dougal Douglas Duncan Dylan Eamon Ebony Eddie
    Edgar Edith Edmund Edna Edward Edwin Eileen Elaine Eleanor Elena Eli Elias Elijah Elisabeth Elizabeth Ella Ellen
    Ellie Elsie Emeka Emily Emma Emmanuel Eric Erica Erin Ernest Esther Ethan Ethel Eugene Eunice Eva Evan Evelyn
    Ewan Ezra Fabian Farah Fatima Felicity Felix Fergus Fernando Fiona Frances Francesca Francois Fred Freda Freddie
    Frederick Freya Gabriel Gabriela Gareth Gary Gavin Gemma Geoff Geoffrey George Georgina Gerald Geraldine Gerard
    Gertrude Gianni Gilbert Gillian Gina Giovanni Giulia Gladys Glenn Gloria Gordon Graham Greg Gregory Greta
    Guillermo Gurpreet Gwen Gwendolyn Hamish Hamza Hannah Hans Harjit Harold Harriet Harry Harvey Hassan Hazel Heidi
    Helen Helena Helga Henrietta Henry Herbert Hilary Hilda Howard Hugh Hugo Ian Ibrahim Ida Ifeoma Igor Imogen
    Imran Ines Ingrid Irene Irina Isaac Isabel Isabella Isla Ismail Ivan Ivor Jackie Jacob Jacqueline Jacques Jake
    Jamal James Jamie Jan Jane Janet Janice Janine Jared Jasper Javier Jean Jeanette Jeff Jeffrey Jelena Jemima
    Jennifer Jenny Jeremy Jerome Jerry Jesse Jessica Jill Jim Jimmy Joan Joanna Joanne Jocelyn Jodie Joe Joel Johan
    Johanna John Johnny Jonas Jonathan Jorge Jose Joseph Josephine Joshua Joyce Juan Judith Judy Julia Julian
    Juliana Julie Juliet Justin Kamal Karen Karim Karl Karolina Katarzyna Kate Katherine Kathleen Kathryn Kathy
    Katie Katrina Kay Keith Ken Kenneth Kerry Kevin Khalid Kieran Kiran Kofi Kristina Krzysztof Kumar Kwame Kyle
    Lakshmi Laura Lauren Laurence Lawrence Leah Leila Lena Leo Leon Leonard Leroy Leslie Lewis Liam Linda Lindsay
    Lionel Lisa Lloyd Lola Lorenzo Lorna Lorraine Louisa Louise Lucas Lucia Lucinda Lucy Luis Luke Lydia Lynda Lynn
    Lynne Mabel Magdalena Mahmoud Maisie Malcolm Malgorzata Mandy Manuel Marcel Marcia Marco Marcus Margaret Maria
    Marian Marianne Marie Marina Mario Marion Marjorie Marlene Marta Martha Martin Martyn Mary Mateusz Mathew
    Matilda Matteo Matthew Maureen Maurice Mavis Megan Mehmet Melanie Melissa Mervyn Michael Michal Michelle Mick
    Miguel Mikhail Mildred Millicent Mina Miriam Mohamed Mohammad Mohammed Moira Molly Mona Monica Monique Morag
    Muhammad Muriel Murray Myra Myrtle Nadia Nadine Nancy Naomi Natalia Natalie Natasha Nathan Nathaniel Neil Nell
    Nerys Ngozi Niall Niamh Nicholas Nick Nicola Nicole Nigel Nikita Nina Noel Nora Norma Norman Olaf Olga Oliver
    Olivia Olu Omar Oscar Oswald Owen Pablo Paddy Padraig Pam Pamela Parveen Patricia Patrick Paul Paula Pauline
    Pawel Pedro Percy Pete Peter Petra Phil Philip Philippa Phillip Phoebe Phyllis Pierre Piotr Polly Pradeep Pranav
    Priya Rachel Rafael Raj Rajesh Ralph Ramesh Raymond Rebecca Reggie Reginald Renata Rene Rhiannon Rhys Ricardo
    Richard Rick Rita Robert Roberta Roberto Roderick Rodney Roger Rohan Roisin Roland Roman Ronald Ronnie Rory Rosa
    Rosalind Rosemary Rosie Ross Rowena Roy Rupert Russell Ruth Ryan Sabrina Sadie Saeed Sally Salma Sam Samantha
    Samir Samuel Sandeep Sandra Sanjay Sara Sarah Sasha Saskia Sean Sebastian Selina Sergei Shane Shannon Sharon
    Shaun Sheila Shirley Shreya Sian Sidney Sienna Silvia Simon Simone Sinead Siobhan Sofia Solomon Sonia Sophia
    Sophie Stacey Stanley Stefan Stella Stephanie Stephen Steve Steven Stewart Stuart Sunil Suresh Susan Susanna
    Suzanne Sven Svetlana Sylvia Tamara Tamsin Tania Tanya Tara Tariq Tatiana Ted Terence Teresa Terry Tessa Thelma
    Theo Theodore Theresa Thomas Tim Timothy Tina Toby Tom Tomasz Tommy Tony Tracey Tracy Trevor Tristan Trudy
    Tyrone Uma Una Ursula Valentina Valerie Vanessa Vera Veronica Vicky Vijay Vikram Viktor Vincent Vivian Vivien
    Vladimir Wallace Walter Wanda Warren Wayne Wendy Wilfred William Willie Wilma Winifred Wojciech Xavier Yasmin
    Yolanda Yusuf Yvette Yvonne Zachary Zainab Zara Zoe Zofia
    """.split()  # noqa: SIM905 - one a line, they would fill ten pages
)
EITHER: Final = frozenset(
    """
    Amber April Art Ashley Bill Bob Bonnie Carol Christian Crystal Daisy Dawn Dean Dick Dominique Drew Earl Faith
    Frank Gene Ginger Grace Grant Guy Hal Heather Holly Hope Iris Ivy Jack Jade Jasmine Jay Joy Kelly Kim Kit Lance
    Laurel Lee Lily Mark Matt Max May Miles Miranda Norm Olive Opal Pat Patience Pearl Penny Rae Randy Ray Rob Robin
    Rose Ruby Rusty Sandy Scott Sue Summer Victor Violet Will
    """.split()  # noqa: SIM905 - as above
)
"""Names that are other words too: they are a name where a capital would be wrong otherwise."""
PLACES: Final = frozenset(
    """
    Airport Arms Avenue Bank Bridge Center Centre City College Company County Court Drive Gardens Group Homes
    Hospital Hotel House Inc Insurance Island Lane Limited Ltd Motors Museum PLC Park Partnership Plc Road School
    Square Station Stores Street Supermarket Terrace Theatre Town University
    """.split()  # noqa: SIM905 - as above
)
"""After these words, what stands before is a place or a firm."""
FIRMS: Final = frozenset(
    {"John Lewis", "Ted Baker", "Ralph Lauren", "Paul Smith", "Harvey Nichols"}
)
