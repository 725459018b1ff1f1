from eyechart.programs.promote import main

if __name__ == "__main__":
    main()
